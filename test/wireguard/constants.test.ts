/** The numbers of whitepaper 6.1 and 5.4, and those of the kernel, as literals. */
import * as constants from '../../src/wireguard/constants.js';

it('has the whitepaper’s times, in ms', () => {
  expect(constants).toMatchObject({
    REKEY_AFTER_TIME: 120_000,
    REJECT_AFTER_TIME: 180_000,
    REKEY_ATTEMPT_TIME: 90_000,
    REKEY_TIMEOUT: 5_000,
    KEEPALIVE_TIMEOUT: 10_000,
    COOKIE_SECRET_MAX_AGE: 120_000,
  });
});

it('has the whitepaper’s names and lengths', () => {
  expect(constants).toMatchObject({
    CONSTRUCTION: 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s',
    IDENTIFIER: 'WireGuard v1 zx2c4 Jason@zx2c4.com',
    LABEL_MAC1: 'mac1----',
    LABEL_COOKIE: 'cookie--',
    KEY_LENGTH: 32,
    MAC_LENGTH: 16,
    TAG_LENGTH: 16,
    TIMESTAMP_LENGTH: 12,
    COOKIE_NONCE_LENGTH: 24,
    PADDING_MULTIPLE: 16,
  });
});

it('derives the kernel’s times from the whitepaper’s', () => {
  expect(constants).toMatchObject({
    REKEY_TIMEOUT_JITTER: 333,
    MAX_TIMER_HANDSHAKES: 18,
    REKEY_ON_RECEIVE_AFTER_TIME: 165_000,
    ZERO_KEYS_AFTER_TIME: 540_000,
    COOKIE_MAX_AGE: 115_000,
    INITIATION_INTERVAL: 20,
    MAX_STAGED_PACKETS: 128,
  });
});

it('limits counters to exact integers', () => {
  expect(constants.REKEY_AFTER_MESSAGES).toBe(562_949_953_421_312);
  expect(constants.REJECT_AFTER_MESSAGES).toBe(9_007_199_254_732_799);
  expect(constants.REJECT_AFTER_MESSAGES).toBeLessThan(Number.MAX_SAFE_INTEGER);
});
