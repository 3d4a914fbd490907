/**
 * Computes and checks the MACs of handshake messages, and the cookies of a responder under load
 * (whitepaper 5.3, 5.4.4, 5.4.7, 6.6). CookieChecker is the receiving side, one per device.
 * CookieGenerator is the sending side, one per peer.
 */
import type { Crypto } from '../../crypto/crypto.js';
import type { Entropy } from '../../ports/entropy.js';
import { parseIpAddress } from '../../wire/ip-address.js';
import {
  COOKIE_MAX_AGE,
  COOKIE_NONCE_LENGTH,
  COOKIE_SECRET_MAX_AGE,
  LABEL_COOKIE,
  LABEL_MAC1,
  MAC_LENGTH,
} from '../constants.js';
import type { Endpoint } from '../../ports/datagram.js';
import { COOKIE_REPLY, MESSAGE_COOKIE_REPLY, mac1Offset, writeUint32 } from '../messages.js';

export class CookieChecker {
  readonly #crypto: Crypto;
  readonly #entropy: Entropy;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #secret = new Uint8Array(32);
  #secretBornAt = -Infinity;

  /** @param publicKey the device's own public key, from which senders derive their mac1 key */
  constructor(crypto: Crypto, entropy: Entropy, publicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#entropy = entropy;
    this.#mac1Key = labelledKey(crypto, LABEL_MAC1, publicKey);
    this.#cookieKey = labelledKey(crypto, LABEL_COOKIE, publicKey);
  }

  /** Whether mac1 proves that the sender knows the device's public key (§5.4.4). */
  hasValidMac1(message: Uint8Array): boolean {
    const offset = mac1Offset(message);
    const expected = this.#crypto.mac(this.#mac1Key, message.subarray(0, offset));
    return this.#crypto.equal(expected, message.subarray(offset, offset + MAC_LENGTH));
  }

  /** Whether mac2 proves that the sender received a cookie at this address and port (§5.4.4). */
  hasValidMac2(message: Uint8Array, source: Endpoint, now: number): boolean {
    if (!hasMac2(message)) return false;
    const offset = mac1Offset(message) + MAC_LENGTH;
    const cookie = this.#cookieFor(source, now);
    const expected = this.#crypto.mac(cookie, message.subarray(0, offset));
    return this.#crypto.equal(expected, message.subarray(offset));
  }

  /**
   * Creates the reply to a handshake message whose mac1 is valid but whose mac2 is not (§5.4.7).
   */
  createReply(message: Uint8Array, senderIndex: number, source: Endpoint, now: number): Uint8Array {
    const reply = new Uint8Array(COOKIE_REPLY.length);
    writeUint32(reply, 0, MESSAGE_COOKIE_REPLY);
    writeUint32(reply, COOKIE_REPLY.receiverIndex, senderIndex);
    const nonce = reply.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.nonce + COOKIE_NONCE_LENGTH);
    this.#entropy.fill(nonce);
    const offset = mac1Offset(message);
    const mac1 = message.subarray(offset, offset + MAC_LENGTH);
    const cookie = this.#cookieFor(source, now);
    reply.set(this.#crypto.sealX(this.#cookieKey, nonce, cookie, mac1), COOKIE_REPLY.cookie);
    return reply;
  }

  wipe(): void {
    this.#secret.fill(0);
    this.#secretBornAt = -Infinity;
  }

  /**
   * Returns the MAC of the sender's address and port, computed with a secret that changes every 2
   * minutes (§5.4.7).
   */
  #cookieFor(source: Endpoint, now: number): Uint8Array {
    if (now - this.#secretBornAt >= COOKIE_SECRET_MAX_AGE) {
      this.#entropy.fill(this.#secret);
      this.#secretBornAt = now;
    }
    const port = Uint8Array.of(source.port >>> 8, source.port);
    return this.#crypto.mac(this.#secret, addressBytes(source), port);
  }
}

export class CookieGenerator {
  readonly #crypto: Crypto;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #cookie = new Uint8Array(MAC_LENGTH);
  #cookieReceivedAt: number | undefined;
  /** The mac1 that a cookie reply must authenticate; undefined after a reply was accepted. */
  #lastMac1: Uint8Array | undefined;

  /** @param publicKey the peer's public key */
  constructor(crypto: Crypto, publicKey: Uint8Array) {
    this.#crypto = crypto;
    this.#mac1Key = labelledKey(crypto, LABEL_MAC1, publicKey);
    this.#cookieKey = labelledKey(crypto, LABEL_COOKIE, publicKey);
  }

  /** When the last cookie arrived, in monotonic ms. The peer was under load at that time. */
  get cookieReceivedAt(): number | undefined {
    return this.#cookieReceivedAt;
  }

  /** Writes mac1 and mac2; mac2 is zero without a fresh cookie (§5.4.4). */
  addMacs(message: Uint8Array, now: number): void {
    const offset = mac1Offset(message);
    const mac1 = this.#crypto.mac(this.#mac1Key, message.subarray(0, offset));
    message.set(mac1, offset);
    this.#lastMac1 = mac1;
    const end = offset + MAC_LENGTH;
    if (this.#hasFreshCookie(now)) {
      message.set(this.#crypto.mac(this.#cookie, message.subarray(0, end)), end);
    } else {
      message.fill(0, end);
    }
  }

  /**
   * Stores the cookie for the next message. Nothing is resent immediately, because a flood of
   * cookie replies would then cause a flood of handshakes (§6.6).
   *
   * @returns false if the reply is unsolicited or not authentic
   */
  consumeReply(reply: Uint8Array, now: number): boolean {
    if (this.#lastMac1 === undefined) return false;
    const cookie = this.#crypto.openX(
      this.#cookieKey,
      reply.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.nonce + COOKIE_NONCE_LENGTH),
      reply.subarray(COOKIE_REPLY.cookie),
      this.#lastMac1,
    );
    if (cookie === undefined) return false;
    this.#cookie.set(cookie);
    this.#cookieReceivedAt = now;
    this.#lastMac1 = undefined;
    return true;
  }

  wipe(): void {
    this.#cookie.fill(0);
    this.#cookieReceivedAt = undefined;
    this.#lastMac1 = undefined;
  }

  #hasFreshCookie(now: number): boolean {
    return this.#cookieReceivedAt !== undefined && now - this.#cookieReceivedAt < COOKIE_MAX_AGE;
  }
}

/** Whether a handshake message has a mac2. Without a cookie, its sender leaves mac2 zero (§5.4.4). */
export function hasMac2(message: Uint8Array): boolean {
  for (let index = mac1Offset(message) + MAC_LENGTH; index < message.length; index++) {
    if (message[index] !== 0) return true;
  }
  return false;
}

/** Computes HASH(label ‖ public key) for an ASCII label. */
function labelledKey(crypto: Crypto, label: string, publicKey: Uint8Array): Uint8Array {
  return crypto.hash(asciiBytes(label), publicKey);
}

/**
 * Returns the bytes of an address without its zone (RFC 4007 11: `fe80::1%eth0`), so that the rate
 * limiter also groups link-local sources by /64. If the string is not an IP address, returns the
 * bytes of the string.
 */
export function addressBytes(source: Endpoint): Uint8Array {
  const [address] = source.address.split('%', 1);
  return parseIpAddress(address!) ?? asciiBytes(source.address);
}

/** Returns one byte per character of an ASCII string. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
