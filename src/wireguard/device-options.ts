import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { DeviceObserver, DeviceSink } from './context.js';

export interface DeviceOptions {
  /** The static private key, 32 bytes; copied. close() wipes the copy. */
  readonly privateKey: Uint8Array;
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly sink: DeviceSink;
  /** The length of the longest inner packet: the path MTU minus 60 (IPv4) or 80 (IPv6) bytes. */
  readonly mtu: number;
  /**
   * The final value of `lastTimestamp` in the previous process with the same key. The timestamps of
   * new initiations are later than this value even if the wall clock was set back (whitepaper 5.1).
   */
  readonly lastTimestamp?: Uint8Array | undefined;
  /**
   * Whether a session survives a sleep that is shorter than its remaining lifetime. Enable this
   * only if this process's memory is never cloned: two copies would reuse the same counters. By
   * default, a sleep of at least CLOCK_JUMP ends all sessions.
   */
  readonly sessionsOutliveSleep?: boolean | undefined;
  readonly observer?: DeviceObserver | undefined;
}
