/** The Arc side: the platform's services at their real addresses inside the tunnel. */
import type { WallClock } from '../lib/clock.js';
import type { ArcNetwork } from './arc-network.js';
import { DnsEndpoint } from './endpoints/dns.js';
import { UnifiedEndpoint } from './endpoints/unified-endpoint.js';
import type { MessageStore } from './messages.js';
import type { PlatformState } from './platform-state.js';
import { UNIFIED_ENDPOINT_ADDRESS, UNIFIED_ENDPOINT_HTTP_PORT } from './services.js';

export interface ArcServerOptions {
  readonly network: ArcNetwork;
  readonly sims: Pick<PlatformState, 'simByAddress'>;
  readonly messages: MessageStore;
  readonly wallClock: WallClock;
}

export interface ArcServer {
  /** Ends all connections, then the network. */
  close(): Promise<void>;
}

/** Opens all services on the network. ICMP echo is the network's own. */
export function startArcServer(options: ArcServerOptions): ArcServer {
  const { network, sims, messages, wallClock } = options;
  const unified = new UnifiedEndpoint({ sims, messages, wallClock });
  network.listenTcp(
    { address: UNIFIED_ENDPOINT_ADDRESS, port: UNIFIED_ENDPOINT_HTTP_PORT },
    unified.handleConnection,
  );
  new DnsEndpoint().listen(network);
  return {
    close: async () => {
      unified.close();
      await network.close();
    },
  };
}
