/** Creates the engine options that both tunnel modes share. */
import type { EngineObserver, EngineOptions } from '../../engine/engine.js';
import type { LastingSequences } from '../../engine/netstack-engine.js';
import { SIPHASH_KEY_LENGTH } from '../../lib/siphash.js';
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

/** Separates this hash from all other uses of the public key. */
const SEQUENCES_LABEL = new TextEncoder().encode('arctun TCP sequences');

/**
 * Derives the state that TCP keeps across a restart: a key and the wall clock. Without them, a
 * server's TIME-WAIT could refuse the connections of the next process.
 *
 * The key comes from the public key, because hashing the private key would leave copies in memory.
 * Only the Arc server knows the public key, which WireGuard encrypts in the handshake (whitepaper
 * §5.4.2), and that server sees all sequence numbers anyway.
 */
export function lastingSequences(
  { privateKey }: Pick<TunnelConfig, 'privateKey'>,
  { crypto, wallClock, clock }: Pick<TunnelPorts, 'crypto' | 'wallClock' | 'clock'>,
): LastingSequences {
  const publicKey = crypto.publicKey(privateKey.expose());
  return {
    key: crypto.hash(SEQUENCES_LABEL, publicKey).slice(0, SIPHASH_KEY_LENGTH),
    epoch: wallClock.unixMilliseconds() - clock.now(),
  };
}
