/**
 * Numbers of the WireGuard protocol. Times are milliseconds, sizes bytes.
 * Section numbers, here and in this folder, are those of the WireGuard whitepaper.
 */

// Specification constants (6.1, 5.4)

/** Age at which the initiator starts a new handshake when it sends. */
export const REKEY_AFTER_TIME = 120_000;

/** Age at which a session is used no more, in either direction. */
export const REJECT_AFTER_TIME = 180_000;

/** How long a handshake is retried before we give up. */
export const REKEY_ATTEMPT_TIME = 90_000;

/** The shortest time between two initiations to one peer. */
export const REKEY_TIMEOUT = 5_000;

/** Silence after which received data is answered by an empty packet. */
export const KEEPALIVE_TIMEOUT = 10_000;

/** Life of the secret behind the cookies, and of a cookie (6.6). */
export const COOKIE_SECRET_MAX_AGE = 120_000;

/** The Noise construction (5.4): hashed to begin the chaining key. */
export const CONSTRUCTION = 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s';

/** The Noise prologue (5.4). */
export const IDENTIFIER = 'WireGuard v1 zx2c4 Jason@zx2c4.com';

export const LABEL_MAC1 = 'mac1----';
export const LABEL_COOKIE = 'cookie--';

export const KEY_LENGTH = 32;
export const MAC_LENGTH = 16;
export const TAG_LENGTH = 16;
export const TIMESTAMP_LENGTH = 12;
export const COOKIE_NONCE_LENGTH = 24;

/** Packets are padded with zeros to a multiple of this (5.4.6). */
export const PADDING_MULTIPLE = 16;

// Implementation constants

/**
 * The whitepaper rekeys after 2^60 messages. Counters are numbers here, exact below 2^53, so that
 * we are stricter: at ten million packets a second this takes two years, where a key lives for
 * three minutes.
 */
export const REKEY_AFTER_MESSAGES = 2 ** 49;

/** The whitepaper refuses from 2^64 - 2^13 - 1 on; for the same reason we do below 2^53. */
export const REJECT_AFTER_MESSAGES = 2 ** 53 - 2 ** 13 - 1;

/** Timers that start a handshake are late by up to a third of a second, lest two peers collide. */
export const REKEY_TIMEOUT_JITTER = 333;

/** Retries after the first initiation; one more expiry of the timer gives up. */
export const MAX_TIMER_HANDSHAKES = REKEY_ATTEMPT_TIME / REKEY_TIMEOUT;

/** Age at which the initiator starts a new handshake when it receives, once per session (6.2). */
export const REKEY_ON_RECEIVE_AFTER_TIME = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;

/** Time without a new session after which all key material is wiped (6.3). */
export const ZERO_KEYS_AFTER_TIME = 3 * REJECT_AFTER_TIME;

/** The traffic class of handshake messages: DSCP AF41 (RFC 2597 6), Not-ECT. Data has the DSCP 0. */
export const HANDSHAKE_TRAFFIC_CLASS = 0x88;

/** A received cookie is used for this long: the sender may replace its secret meanwhile. */
export const COOKIE_MAX_AGE = COOKIE_SECRET_MAX_AGE - 5_000;

/** Initiations accepted from one peer are at least this far apart: 50 per second. */
export const INITIATION_INTERVAL = 1_000 / 50;

/** Packets that wait for a handshake, per peer; the oldest goes first. */
export const MAX_STAGED_PACKETS = 128;

/** Events that wait for pollEvent(); the oldest goes first. */
export const MAX_EVENTS = 1_024;

/** A wall clock that moves by this much against the monotonic one was set, or this machine slept. */
export const CLOCK_JUMP = 1_000;

/** By this part clocks may drift apart without being said to jump: what NTP corrects at most. */
export const CLOCK_DRIFT = 500e-6;

/** 2025-01-01T00:00:00Z: a wall clock before it was never set. */
export const PLAUSIBLE_CLOCK = 1_735_689_600_000;
