/**
 * A peer that is played by hand: it can write any message of the protocol, valid in all its parts
 * or in all but one.
 */
import type { Crypto } from '../../src/crypto/crypto.js';
import { randomUint32 } from '../../src/lib/random-uint32.js';
import type { Entropy } from '../../src/ports/entropy.js';
import { LABEL_MAC1, TAG_LENGTH } from '../../src/wireguard/constants.js';
import {
  CookieChecker,
  CookieGenerator,
  asciiBytes,
} from '../../src/wireguard/handshake/cookie.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import { Handshake, openInitiation } from '../../src/wireguard/handshake/handshake.js';
import { Identity } from '../../src/wireguard/handshake/identity.js';
import type { Keypair } from '../../src/wireguard/data/keypair.js';
import {
  COOKIE_REPLY,
  DATA,
  MESSAGE_DATA,
  RESPONSE,
  mac1Offset,
  readCounter,
  readUint32,
  writeUint32,
} from '../../src/wireguard/messages.js';
import { openAt } from '../support/transport-keys.js';

export interface PuppetOptions {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly privateKey: Uint8Array;
  readonly presharedKey?: Uint8Array;
  readonly devicePublicKey: Uint8Array;
  readonly endpoint: Endpoint;
}

export class Puppet {
  readonly endpoint: Endpoint;
  readonly #crypto: Crypto;
  readonly #entropy: Entropy;
  readonly #identity: Identity;
  readonly #devicePublicKey: Uint8Array;
  readonly #presharedKey: Uint8Array | undefined;
  #cookies: CookieGenerator;
  readonly #checker: CookieChecker;
  #handshake: Handshake;
  /** Its session with the device, if it has one. */
  session: Keypair | undefined;

  constructor(options: PuppetOptions) {
    this.endpoint = options.endpoint;
    this.#crypto = options.crypto;
    this.#entropy = options.entropy;
    this.#identity = new Identity(options.crypto, options.privateKey);
    this.#devicePublicKey = options.devicePublicKey;
    this.#presharedKey = options.presharedKey;
    this.#cookies = new CookieGenerator(options.crypto, options.devicePublicKey);
    this.#checker = new CookieChecker(options.crypto, options.entropy, this.#identity.publicKey);
    this.#handshake = this.#createHandshake(options.presharedKey);
  }

  get publicKey(): Uint8Array {
    return this.#identity.publicKey;
  }

  #createHandshake(presharedKey: Uint8Array | undefined): Handshake {
    const handshake = new Handshake(
      this.#crypto,
      this.#identity,
      this.#devicePublicKey,
      () => undefined,
    );
    handshake.setPresharedKey(presharedKey);
    return handshake;
  }

  /** An initiation with valid macs, and a timestamp later than all earlier ones. */
  initiation(unixMilliseconds: number, now: number): Uint8Array {
    return this.#withMacs(this.#initiation(this.#handshake, unixMilliseconds), now);
  }

  /** The same with any timestamp, from a handshake that does not continue. */
  strayInitiation(unixMilliseconds: number, now: number): Uint8Array {
    const handshake = this.#createHandshake(this.#presharedKey);
    return this.#withMacs(this.#initiation(handshake, unixMilliseconds), now);
  }

  #initiation(handshake: Handshake, unixMilliseconds: number): Uint8Array {
    const index = randomUint32(this.#entropy);
    return handshake.createInitiation(this.#ephemeral(), index, unixMilliseconds, 0)!;
  }

  #ephemeral(): Uint8Array {
    const key = new Uint8Array(32);
    this.#entropy.fill(key);
    return key;
  }

  #withMacs(message: Uint8Array, now: number): Uint8Array {
    this.#cookies.addMacs(message, now);
    return message;
  }

  /** Accepts the device's response to the last initiation(); false if it is not authentic. */
  takeResponse(response: Uint8Array, now: number): boolean {
    if (!this.#handshake.consumeResponse(response)) return false;
    this.session = this.#handshake.beginSession(now);
    return true;
  }

  /**
   * A response to the device's initiation; the session is valid once the device has accepted it.
   */
  response(initiation: Uint8Array, now: number, presharedKey = this.#presharedKey): Uint8Array {
    const handshake = this.#createHandshake(presharedKey);
    const opened = openInitiation(this.#crypto, this.#identity, initiation)!;
    handshake.consumeInitiation(opened, initiation, now);
    const index = randomUint32(this.#entropy);
    const response = handshake.createResponse(this.#ephemeral(), index)!;
    this.session = handshake.beginSession(now);
    return this.#withMacs(response, now);
  }

  /** Rewrites the macs, including mac2 if the puppet has a cookie. */
  remac(message: Uint8Array, now: number): Uint8Array {
    return this.#withMacs(message.slice(), now);
  }

  /** Writes a valid mac1 for any handshake message, and a zero mac2. */
  forgeMac1(message: Uint8Array): Uint8Array {
    const offset = mac1Offset(message);
    const key = this.#crypto.hash(asciiBytes(LABEL_MAC1), this.#devicePublicKey);
    message.set(this.#crypto.mac(key, message.subarray(0, offset)), offset);
    message.fill(0, offset + 16);
    return message;
  }

  hasValidMac1(message: Uint8Array): boolean {
    const offset = mac1Offset(message);
    return this.forgeMac1(message.slice())
      .subarray(0, offset + 16)
      .every((byte, index) => byte === message[index]);
  }

  /** A cookie reply to a handshake message of the device, valid if `message` is that message. */
  cookieReply(message: Uint8Array, receiverIndex: number, from: Endpoint, now: number): Uint8Array {
    return this.#checker.createReply(message, receiverIndex, from, now);
  }

  /** Whether the device uses the cookie that it was given. */
  hasValidMac2(message: Uint8Array, from: Endpoint, now: number): boolean {
    return this.#checker.hasValidMac2(message, from, now);
  }

  /** Accepts the device's cookie: later messages have a mac2. */
  takeCookie(reply: Uint8Array, now: number): boolean {
    return reply.length === COOKIE_REPLY.length && this.#cookies.consumeReply(reply, now);
  }

  /** Later messages have no mac2. */
  forgetCookie(): void {
    this.#cookies = new CookieGenerator(this.#crypto, this.#devicePublicKey);
  }

  /** A data message that contains exactly `plaintext`, with any counter. */
  data(plaintext: Uint8Array, counter: number, session = this.session!): Uint8Array {
    const message = new Uint8Array(DATA.packet + plaintext.length + TAG_LENGTH);
    writeUint32(message, 0, MESSAGE_DATA);
    writeUint32(message, DATA.receiverIndex, session.remoteIndex);
    writeUint32(message, DATA.counter, counter >>> 0);
    writeUint32(message, DATA.counter + 4, Math.floor(counter / 0x1_0000_0000));
    message.set(plaintext, DATA.packet);
    session.sending.seal(message, DATA.packet, plaintext.length, counter);
    return message;
  }

  /** The content of a data message from the device; undefined if it is not for this session. */
  open(message: Uint8Array): Uint8Array | undefined {
    const { session } = this;
    if (readUint32(message, DATA.receiverIndex) !== session?.localIndex) return undefined;
    const copy = message.slice();
    const length = copy.length - DATA.packet;
    if (!openAt(session.receiving, copy, DATA.packet, length, readCounter(copy))) return undefined;
    return copy.subarray(DATA.packet, copy.length - TAG_LENGTH);
  }
}

/** The index that the sender of a handshake message chose. */
export function senderIndexOf(message: Uint8Array): number {
  return readUint32(message, RESPONSE.senderIndex);
}
