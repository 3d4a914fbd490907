/** The part of the composition root that every tunnel is made of. */
import { stateFolder } from '../platform/state-folder.js';
import type { DatagramSockets, Log } from '../tunnel/ports.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';

/** @param sockets those of the system, unless it has better ones */
export async function createTunnelPorts(log: Log, sockets?: DatagramSockets): Promise<TunnelPorts> {
  const [{ selectCrypto }, { systemEntropy }, clocks, { udpSockets }, { systemResolver }, stamps] =
    await Promise.all([
      import('../crypto/select.js'),
      import('../platform/entropy.js'),
      import('../platform/clock.js'),
      import('../platform/udp-socket.js'),
      import('../platform/resolver.js'),
      import('../platform/timestamps.js'),
    ]);
  return {
    crypto: await selectCrypto(),
    entropy: systemEntropy,
    wallClock: clocks.systemWallClock,
    clock: clocks.systemClock,
    sockets: sockets ?? udpSockets,
    resolver: systemResolver,
    log,
    timestamps: stamps.createTimestampStore(stateFolder(), log),
  };
}
