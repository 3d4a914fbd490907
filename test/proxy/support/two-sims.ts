/** Two tunnels that clients choose by name, each of which leads to its own server. */
import type { TunnelChoice } from '../../../src/proxy/authentication/tunnel-choice.js';
import { KeptConnections } from '../../../src/proxy/http/target/kept-connections.js';
import { type Forwarding, localDialer, OK } from './forwarding.js';
import type { ScriptedServer } from './scripted-server.js';

export interface TwoSims extends TunnelChoice {
  /** The servers of the tunnels `a` and `b`. */
  readonly servers: Readonly<Record<'a' | 'b', ScriptedServer>>;
}

export async function twoSims(forwarding: Forwarding): Promise<TwoSims> {
  const answer = () =>
    forwarding.server(({ socket }) => {
      // Each request of the tests arrives in one piece.
      socket.on('data', () => socket.write(OK));
    });
  const servers = { a: await answer(), b: await answer() };
  const tunnels = new Map(
    Object.entries(servers).map(([name, { port }]) => [
      name,
      { name, dialer: localDialer(port), kept: new KeptConnections({ resends: true }) },
    ]),
  );
  return { servers, find: (name) => tunnels.get(name), names: () => [...tunnels.keys()] };
}
