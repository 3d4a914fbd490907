import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { DeviceSink } from './context.js';
import type { Endpoint } from '../ports/datagram.js';

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
  /**
   * Called with the 12 bytes of each TAI64N stamp before the initiation that bears it is sent, to be
   * kept for the next process. Must not call the device back.
   */
  readonly onTimestamp?: ((timestamp: Uint8Array) => void) | undefined;
  /**
   * Called with each ephemeral private key, for a capture that is to be decrypted. The 32 bytes are
   * wiped afterwards.
   */
  readonly onEphemeralKey?: ((privateKey: Uint8Array) => void) | undefined;
  /**
   * Called for each data message with a receiver index that was never given out here: for a session of
   * somebody else. Whoever can write our peer's address as the source of a datagram can cause it. Must
   * not call the device back.
   */
  readonly onStrangeIndex?: ((source: Endpoint, now: number) => void) | undefined;
}
