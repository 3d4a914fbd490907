import { createNodeCrypto } from '../../../src/crypto/node.js';
import {
  CookieChecker,
  CookieGenerator,
  addressBytes,
} from '../../../src/wireguard/handshake/cookie.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';

const crypto = createNodeCrypto();
const publicKey = seededBytes(1, 32);
const SOURCE = { address: '192.0.2.1', port: 1000 };
const SENDER_INDEX = 0x01020304;

function createPair(): { checker: CookieChecker; generator: CookieGenerator } {
  return {
    checker: new CookieChecker(crypto, seededEntropy(2), publicKey),
    generator: new CookieGenerator(crypto, publicKey),
  };
}

function messageWithMacs(generator: CookieGenerator, now: number): Uint8Array {
  const message = seededBytes(3, 148);
  generator.addMacs(message, now);
  return message;
}

it('a cookie makes mac2 valid, for one address and port', () => {
  const { checker, generator } = createPair();
  const first = messageWithMacs(generator, 0);
  const reply = checker.createReply(first, SENDER_INDEX, SOURCE, 0);
  expect([...reply.subarray(0, 8)]).toEqual([3, 0, 0, 0, 4, 3, 2, 1]);
  expect(reply).toHaveLength(64);
  expect(generator.consumeReply(reply, 100)).toBe(true);
  expect(generator.cookieReceivedAt).toBe(100);

  const second = messageWithMacs(generator, 200);
  expect(checker.hasValidMac1(second)).toBe(true);
  expect(checker.hasValidMac2(second, SOURCE, 200)).toBe(true);
  expect(checker.hasValidMac2(second, { ...SOURCE, port: 1001 }, 200)).toBe(false);
  expect(checker.hasValidMac2(second, { ...SOURCE, port: 1000 + 256 }, 200)).toBe(false);
  expect(checker.hasValidMac2(second, { ...SOURCE, address: '192.0.2.2' }, 200)).toBe(false);
});

it.each([
  [114_999, true],
  [115_000, false],
])('%i ms after it arrived a cookie is used: %p', (age, used) => {
  const { checker, generator } = createPair();
  const came = 1_000_000;
  const reply = checker.createReply(messageWithMacs(generator, came), 1, SOURCE, came);
  generator.consumeReply(reply, came);
  const message = messageWithMacs(generator, came + age);
  expect(message.subarray(132).some((byte) => byte !== 0)).toBe(used);
});

it.each([
  [119_999, true],
  [120_000, false],
])('%i ms after its creation the secret is valid: %p', (age, valid) => {
  const { checker, generator } = createPair();
  generator.consumeReply(checker.createReply(messageWithMacs(generator, 0), 1, SOURCE, 0), 0);
  expect(checker.hasValidMac2(messageWithMacs(generator, 100), SOURCE, age)).toBe(valid);
});

it('accepts one reply per message, but none before the first message', () => {
  const { checker, generator } = createPair();
  const other = new CookieGenerator(crypto, publicKey);
  const reply = checker.createReply(messageWithMacs(generator, 0), 1, SOURCE, 0);
  expect(other.consumeReply(reply, 0)).toBe(false);
  const wrong = reply.slice();
  wrong[63]! ^= 1;
  expect(generator.consumeReply(wrong, 0)).toBe(false);
  expect(generator.consumeReply(reply, 0)).toBe(true);
  expect(generator.consumeReply(reply, 0)).toBe(false);
});

it('does not accept a reply to a message that was not sent', () => {
  const { generator } = createPair();
  const key = crypto.hash(new TextEncoder().encode('cookie--'), publicKey);
  const reply = new Uint8Array(64);
  const nonce = reply.subarray(8, 32);
  // Anyone can create this reply: the key is public, and no mac1 exists yet to bind the reply to.
  reply.set(crypto.sealX(key, nonce, seededBytes(4, 16), new Uint8Array(0)), 32);
  expect(generator.consumeReply(reply, 0)).toBe(false);
  expect(generator.cookieReceivedAt).toBeUndefined();
});

it('creates a new secret after a wipe', () => {
  const { checker, generator } = createPair();
  checker.createReply(messageWithMacs(generator, 0), 1, SOURCE, 0);
  checker.wipe();
  const message = messageWithMacs(generator, 0);
  const zeroSecret = crypto.mac(
    new Uint8Array(32),
    addressBytes(SOURCE),
    Uint8Array.of(SOURCE.port >> 8, SOURCE.port),
  );
  message.set(crypto.mac(zeroSecret, message.subarray(0, 132)), 132);
  expect(checker.hasValidMac2(message, SOURCE, 0)).toBe(false);
});
