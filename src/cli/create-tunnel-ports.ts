/** The part of the composition root that every tunnel needs. */
import { stateFolder } from '../system/files/state-folder.js';
import type { DatagramSockets } from '../ports/datagram-sockets.js';
import type { Log } from '../ports/log.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';

/** @param sockets replaces the system's UDP sockets */
export async function createTunnelPorts(log: Log, sockets?: DatagramSockets): Promise<TunnelPorts> {
  const [{ selectCrypto }, { systemEntropy }, clocks, { udpSockets }, { systemResolver }, stamps] =
    await Promise.all([
      import('../crypto/select.js'),
      import('../system/entropy.js'),
      import('../system/clock.js'),
      import('../system/network/udp-socket.js'),
      import('../system/network/resolver.js'),
      import('../system/files/timestamps.js'),
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
