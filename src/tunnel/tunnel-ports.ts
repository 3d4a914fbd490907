import type { Crypto } from '../crypto/crypto.js';
import type { Clock, WallClock } from '../ports/clock.js';
import type { DatagramSockets } from '../ports/datagram-sockets.js';
import type { Entropy } from '../ports/entropy.js';
import type { Log } from '../ports/log.js';
import type { Resolver } from '../ports/resolver.js';
import type { TimestampStore } from '../ports/stores/timestamp-store.js';
import type { TrafficStore } from '../ports/stores/traffic-store.js';
import type { EngineObserver } from '../engine/engine.js';

/** The services that a tunnel needs from its environment. */
export interface TunnelPorts {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly clock: Clock;
  readonly sockets: DatagramSockets;
  readonly resolver: Resolver;
  readonly log: Log;
  /** Stores handshake timestamps. If absent, timestamps increase only within this process. */
  readonly timestamps?: TimestampStore;
  /** Stores the traffic of each SIM. If absent, traffic is counted for this tunnel only. */
  readonly traffic?: TrafficStore;
  /** Observes packets and keys for a capture. */
  readonly observer?: Pick<EngineObserver, 'innerPacket' | 'ephemeralKey'>;
  /** Whether sessions survive sleep; see DeviceOptions. */
  readonly sessionsOutliveSleep?: boolean;
}
