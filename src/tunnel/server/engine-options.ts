/** How a tunnel's engine is made: what both modes have in common. */
import type { EngineObserver, EngineOptions } from '../../engine/engine.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { SentTimestamps } from './sent-timestamps.js';

/** The stamps that were sent with the key of `config`. */
export function openTimestamps(
  { privateKey }: TunnelConfig,
  { crypto, timestamps }: TunnelPorts,
): Promise<SentTimestamps> {
  return SentTimestamps.open(timestamps, crypto.publicKey(privateKey.expose()));
}

/** What an engine of this tunnel is made with; `timestamps` are those of its key. */
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
