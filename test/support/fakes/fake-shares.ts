import type { ShareTunnelPorts } from '../../../src/app/access/share-tunnel.js';
import { FakeConnections } from './fake-connections.js';
import { systemError } from './memory-network.js';

/** The ports to a running `up`; no socket and no route exists. */
export function fakeShares() {
  const refuse = (code: string) => () => Promise.reject(systemError('connect', code));
  return {
    connections: new FakeConnections(),
    localStreams: {
      check: (_path: string): Promise<void> => Promise.resolve(),
      open: refuse('ECONNREFUSED'),
    },
    boundSockets: {
      sourceOf: refuse('ENETUNREACH'),
      connect: refuse('ENETUNREACH'),
      connectUdp: refuse('ENETUNREACH'),
    },
  } satisfies ShareTunnelPorts;
}
