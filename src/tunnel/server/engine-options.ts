/** Creates the engine options that both tunnel modes share. */
import type { EngineObserver, EngineOptions } from '../../engine/engine.js';
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
