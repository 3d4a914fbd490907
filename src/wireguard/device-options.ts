import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { DeviceObserver, DeviceSink } from './context.js';

export interface DeviceOptions {
  /** 32 bytes; copied, and wiped by close(). */
  readonly privateKey: Uint8Array;
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly sink: DeviceSink;
  /** The longest inner packet: that of the path less 60 (IPv4) or 80 (IPv6). */
  readonly mtu: number;
  /**
   * The last `lastTimestamp` of an earlier process with this key. Initiations are stamped later
   * than it, even where the wall clock has stepped back since (whitepaper 5.1).
   */
  readonly lastTimestamp?: Uint8Array | undefined;
  /**
   * Whether a session outlives a sleep that is shorter than its life: the wall clock has moved on, the
   * monotonic one has not. Only for memory of which no copy is ever started: two that go on from one
   * moment use the same counters. By default each sleep of CLOCK_JUMP ends all sessions.
   */
  readonly sessionsOutliveSleep?: boolean | undefined;
  readonly observer?: DeviceObserver | undefined;
}
