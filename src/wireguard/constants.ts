/**
 * Constants of the WireGuard protocol. Times are in milliseconds, sizes in bytes. In src/wireguard,
 * a bare section number (§6.1) refers to the WireGuard whitepaper.
 */

// Specification constants (§6.1, §5.4)

/** Session age after which the initiator starts a new handshake when it sends data. */
export const REKEY_AFTER_TIME = 120_000;

/** Session age after which the session may no longer be used, in either direction. */
export const REJECT_AFTER_TIME = 180_000;

/** How long this device retries a handshake before it gives up. */
export const REKEY_ATTEMPT_TIME = 90_000;

/** The minimum time between two initiations to one peer. */
export const REKEY_TIMEOUT = 5_000;

/** A passive keepalive is sent this long after receiving data if nothing else was sent. */
export const KEEPALIVE_TIMEOUT = 10_000;

/** The lifetime of the cookie secret and of a cookie (§6.6). */
export const COOKIE_SECRET_MAX_AGE = 120_000;

/** The Noise protocol name (§5.4), whose hash is the initial chaining key. */
export const CONSTRUCTION = 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s';

/** The Noise prologue (§5.4). */
export const IDENTIFIER = 'WireGuard v1 zx2c4 Jason@zx2c4.com';

export const LABEL_MAC1 = 'mac1----';
export const LABEL_COOKIE = 'cookie--';

export const KEY_LENGTH = 32;
export const MAC_LENGTH = 16;
export const TAG_LENGTH = 16;
export const TIMESTAMP_LENGTH = 12;
export const COOKIE_NONCE_LENGTH = 24;

/** Packets are zero-padded to a multiple of this many bytes (§5.4.6). */
export const PADDING_MULTIPLE = 16;

// Implementation constants

/**
 * The whitepaper rekeys after 2^60 messages. Counters here are JavaScript numbers, which are exact
 * only below 2^53, so this limit is stricter. At ten million packets a second, reaching this limit
 * takes almost two years, whereas a key is used for at most three minutes.
 */
export const REKEY_AFTER_MESSAGES = 2 ** 49;

/** The whitepaper rejects counters from 2^64 - 2^13 - 1 on. This limit keeps counters exact. */
export const REJECT_AFTER_MESSAGES = 2 ** 53 - 2 ** 13 - 1;

/** Handshake timers get up to 333 ms of random delay so that the peers' messages do not collide. */
export const REKEY_TIMEOUT_JITTER = 333;

/** The maximum number of retries after the first initiation. */
export const MAX_TIMER_HANDSHAKES = REKEY_ATTEMPT_TIME / REKEY_TIMEOUT;

/**
 * Session age after which the initiator starts a new handshake when it receives data. This happens
 * once per session (§6.2).
 */
export const REKEY_ON_RECEIVE_AFTER_TIME = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;

/** Time without a new session after which all key material is wiped (§6.3). */
export const ZERO_KEYS_AFTER_TIME = 3 * REJECT_AFTER_TIME;

/** The traffic class of handshakes: DSCP AF41 (RFC 2597 6), Not-ECT. Data messages have DSCP 0. */
export const HANDSHAKE_TRAFFIC_CLASS = 0x88;

/** How long a received cookie is used; 5 s less than its lifetime, to allow for transit time. */
export const COOKIE_MAX_AGE = COOKIE_SECRET_MAX_AGE - 5_000;

/** The minimum time between two accepted initiations from one peer, which allows 50 per second. */
export const INITIATION_INTERVAL = 1_000 / 50;

/** The maximum number of packets per peer waiting for a handshake; the oldest is dropped first. */
export const MAX_STAGED_PACKETS = 128;

/** The maximum number of events that wait for pollEvent(); the oldest is dropped first. */
export const MAX_EVENTS = 1_024;

/** If the clocks diverge by this much, the wall clock was set or the machine slept. */
export const CLOCK_JUMP = 1_000;

/** The drift between the clocks that is not treated as a jump: the maximum slew rate of NTP. */
export const CLOCK_DRIFT = 500e-6;

/** If the wall clock shows a time before 2025-01-01T00:00:00Z, it was never set. */
export const PLAUSIBLE_CLOCK = 1_735_689_600_000;
