/** Creates the engine options that both tunnel modes share. */
import type { EngineObserver, EngineOptions } from '../../engine/engine.js';
import type { LastingSequences } from '../../engine/netstack-engine.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { SentTimestamps } from './sent-timestamps.js';

/** Opens the record of the handshake timestamps that were sent with the key in `config`. */
export function openTimestamps(
  { privateKey }: TunnelConfig,
  { crypto, timestamps }: TunnelPorts,
): Promise<SentTimestamps> {
  return SentTimestamps.open(timestamps, crypto.publicKey(privateKey.expose()));
}

/** Returns the options for a tunnel's engine; `timestamps` belongs to the tunnel's key. */
export function engineOptions(
  config: TunnelConfig,
  { crypto, entropy, wallClock, observer, sessionsOutliveSleep }: TunnelPorts,
  timestamps: SentTimestamps,
  strangeIndex: EngineObserver['strangeIndex'],
): EngineOptions {
  return {
    privateKey: config.privateKey.expose(),
    mtu: config.mtu,
    crypto,
    entropy,
    wallClock,
    sessionsOutliveSleep,
    lastTimestamp: timestamps.last,
    observer: { ...observer, strangeIndex, timestamp: (stamp) => timestamps.save(stamp) },
  };
}

/** Separates this use of the private key from all others. */
const SEQUENCES_LABEL = new TextEncoder().encode('arctun TCP sequences');

/**
 * Derives what TCP keeps over a restart: a key from the private key, and the wall clock. Without
 * them, a server's TIME-WAIT could refuse the connections of the next process.
 */
export function lastingSequences(
  { privateKey }: TunnelConfig,
  { crypto, wallClock, clock }: Pick<TunnelPorts, 'crypto' | 'wallClock' | 'clock'>,
): LastingSequences {
  return {
    key: crypto.mac(privateKey.expose(), SEQUENCES_LABEL),
    epoch: wallClock.unixMilliseconds() - clock.now(),
  };
}
