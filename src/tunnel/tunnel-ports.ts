import type { Crypto } from '../crypto/crypto.js';
import type { Clock, WallClock } from '../ports/clock.js';
import type { DatagramSockets } from '../ports/datagram-sockets.js';
import type { Entropy } from '../ports/entropy.js';
import type { Log } from '../ports/log.js';
import type { Resolver } from '../ports/resolver.js';
import type { TimestampStore } from '../ports/timestamp-store.js';
import type { EngineObserver } from '../engine/engine.js';

/** What a tunnel needs from outside. */
export interface TunnelPorts {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly clock: Clock;
  readonly sockets: DatagramSockets;
  readonly resolver: Resolver;
  readonly log: Log;
  /** Absent: stamps are later than those of this process alone. */
  readonly timestamps?: TimestampStore;
  /** Sees what the tunnel does, for a capture. */
  readonly observer?: Pick<EngineObserver, 'innerPacket' | 'ephemeralKey'>;
  /** As DeviceOptions. */
  readonly sessionsOutliveSleep?: boolean;
}
