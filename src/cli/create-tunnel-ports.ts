/** The part of the composition root that every tunnel needs. */
import { selectCrypto } from '../crypto/select.js';
import { systemClock, systemWallClock } from '../system/clock.js';
import { systemEntropy } from '../system/entropy.js';
import { stateFolder } from '../system/files/state-folder.js';
import { createTimestampStore } from '../system/files/timestamps.js';
import { createTrafficStore } from '../system/files/traffic.js';
import { loadLibc } from '../system/linux/libc.js';
import { systemResolver } from '../system/network/resolver.js';
import { udpSockets } from '../system/network/udp-socket.js';
import type { DatagramSockets } from '../ports/datagram-sockets.js';
import type { Log } from '../ports/log.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';

/** @param sockets replaces the system's UDP sockets */
export async function createTunnelPorts(
  log: Log,
  sockets: DatagramSockets = udpSockets,
): Promise<TunnelPorts> {
  return {
    crypto: await selectCrypto(await loadLibc()),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets,
    resolver: systemResolver,
    log,
    timestamps: createTimestampStore(stateFolder(), log),
    traffic: createTrafficStore(stateFolder(), log),
  };
}
