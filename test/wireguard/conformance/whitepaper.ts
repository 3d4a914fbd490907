/**
 * The messages of sections 5.4.2 to 5.4.7 of the whitepaper, written and read step by step as in
 * the text. This file uses nothing of src/wireguard, so that a device that agrees with it agrees
 * with the whitepaper and not only with itself.
 */
import type { Crypto } from '../../../src/crypto/crypto.js';

export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The state of both sides after the initiation: C, H and the initiator's keys. */
export interface InitiationState {
  readonly chainingKey: Uint8Array;
  readonly hash: Uint8Array;
  readonly senderIndex: number;
  readonly initiatorPublic: Uint8Array;
  readonly ephemeralPublic: Uint8Array;
  /** Only the initiator has this key. */
  readonly ephemeralPrivate?: Uint8Array;
}

/** The keys of a session: T of the initiator and T of the responder. */
export interface SessionKeys {
  readonly initiator: Uint8Array;
  readonly responder: Uint8Array;
}

export const NO_PRESHARED_KEY = new Uint8Array(32);

const text = new TextEncoder();
const CONSTRUCTION = text.encode('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
const IDENTIFIER = text.encode('WireGuard v1 zx2c4 Jason@zx2c4.com');
const LABEL_MAC1 = text.encode('mac1----');
const LABEL_COOKIE = text.encode('cookie--');
const EMPTY = new Uint8Array(0);

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Uint8Array.from(bytes);
}

export function readIndex(message: Uint8Array, offset: number): number {
  return Buffer.from(message).readUInt32LE(offset);
}

/** KDF_n (5.4). */
function kdf(crypto: Crypto, count: number, key: Uint8Array, input: Uint8Array): Uint8Array[] {
  const secret = crypto.hmac(key, input);
  const outputs: Uint8Array[] = [];
  for (let index = 1; index <= count; index++) {
    outputs.push(crypto.hmac(secret, outputs.at(-1) ?? EMPTY, Uint8Array.of(index)));
  }
  return outputs;
}

const NO_PRIVATE_KEY = new Uint8Array(32);

/** A public key of low order: its owner knows that every shared secret is zero. */
export function lowOrderKeyPair(publicKey: Uint8Array): KeyPair {
  return { privateKey: NO_PRIVATE_KEY, publicKey };
}

/** X25519. */
function dh(crypto: Crypto, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  if (privateKey === NO_PRIVATE_KEY) return new Uint8Array(32);
  return crypto.dh(privateKey, publicKey)!;
}

/** ChaCha20-Poly1305 with the counter as nonce (5.4). */
function nonce(counter: bigint): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64LE(counter, 4);
  return Uint8Array.from(bytes);
}

/** 5.4.4: mac1 under the receiver's public key, mac2 under a cookie or zero. */
export function withMacs(
  crypto: Crypto,
  body: Uint8Array,
  receiverPublic: Uint8Array,
  cookie?: Uint8Array,
): Uint8Array {
  const mac1 = crypto.mac(crypto.hash(LABEL_MAC1, receiverPublic), body);
  const message = concat(body, mac1);
  return concat(message, cookie ? crypto.mac(cookie, message) : new Uint8Array(16));
}

export interface InitiationOptions {
  readonly initiator: KeyPair;
  readonly responderPublic: Uint8Array;
  readonly ephemeral: KeyPair;
  readonly senderIndex: number;
  readonly timestamp: Uint8Array;
  readonly cookie?: Uint8Array | undefined;
}

/** 5.4.2, the initiator's side. */
export function writeInitiation(
  crypto: Crypto,
  options: InitiationOptions,
): { readonly message: Uint8Array; readonly state: InitiationState } {
  const { initiator, responderPublic, ephemeral, senderIndex, timestamp } = options;
  let key: Uint8Array;
  let chainingKey = crypto.hash(CONSTRUCTION);
  let hash = crypto.hash(crypto.hash(chainingKey, IDENTIFIER), responderPublic);
  [chainingKey] = kdf(crypto, 1, chainingKey, ephemeral.publicKey) as [Uint8Array];
  hash = crypto.hash(hash, ephemeral.publicKey);
  const shared = dh(crypto, ephemeral.privateKey, responderPublic);
  [chainingKey, key] = kdf(crypto, 2, chainingKey, shared) as [Uint8Array, Uint8Array];
  const sealedStatic = crypto.seal(key, nonce(0n), initiator.publicKey, hash);
  hash = crypto.hash(hash, sealedStatic);
  const statics = dh(crypto, initiator.privateKey, responderPublic);
  [chainingKey, key] = kdf(crypto, 2, chainingKey, statics) as [Uint8Array, Uint8Array];
  const sealedStamp = crypto.seal(key, nonce(0n), timestamp, hash);
  hash = crypto.hash(hash, sealedStamp);
  const head = concat(uint32(1), uint32(senderIndex), ephemeral.publicKey);
  const body = concat(head, sealedStatic, sealedStamp);
  return {
    message: withMacs(crypto, body, responderPublic, options.cookie),
    state: {
      chainingKey,
      hash,
      senderIndex,
      initiatorPublic: initiator.publicKey,
      ephemeralPublic: ephemeral.publicKey,
      ephemeralPrivate: ephemeral.privateKey,
    },
  };
}

/** 5.4.2, the responder's side. */
export function readInitiation(
  crypto: Crypto,
  responder: KeyPair,
  message: Uint8Array,
): { readonly state: InitiationState; readonly timestamp: Uint8Array } | undefined {
  const ephemeralPublic = message.slice(8, 40);
  let key: Uint8Array;
  let chainingKey = crypto.hash(CONSTRUCTION);
  let hash = crypto.hash(crypto.hash(chainingKey, IDENTIFIER), responder.publicKey);
  [chainingKey] = kdf(crypto, 1, chainingKey, ephemeralPublic) as [Uint8Array];
  hash = crypto.hash(hash, ephemeralPublic);
  const shared = dh(crypto, responder.privateKey, ephemeralPublic);
  [chainingKey, key] = kdf(crypto, 2, chainingKey, shared) as [Uint8Array, Uint8Array];
  const initiatorPublic = crypto.open(key, nonce(0n), message.slice(40, 88), hash);
  if (initiatorPublic === undefined) return undefined;
  hash = crypto.hash(hash, message.slice(40, 88));
  const statics = dh(crypto, responder.privateKey, initiatorPublic);
  [chainingKey, key] = kdf(crypto, 2, chainingKey, statics) as [Uint8Array, Uint8Array];
  const timestamp = crypto.open(key, nonce(0n), message.slice(88, 116), hash);
  if (timestamp === undefined) return undefined;
  hash = crypto.hash(hash, message.slice(88, 116));
  const senderIndex = readIndex(message, 4);
  return { timestamp, state: { chainingKey, hash, senderIndex, initiatorPublic, ephemeralPublic } };
}

export interface ResponseOptions {
  readonly ephemeral: KeyPair;
  readonly senderIndex: number;
  readonly presharedKey: Uint8Array;
  readonly cookie?: Uint8Array | undefined;
}

/** 5.4.3, the responder's side, and 5.4.5. */
export function writeResponse(
  crypto: Crypto,
  state: InitiationState,
  options: ResponseOptions,
): { readonly message: Uint8Array; readonly keys: SessionKeys } {
  const { ephemeral, senderIndex, presharedKey } = options;
  const mixed = mixResponse(crypto, state, {
    ephemeralPublic: ephemeral.publicKey,
    ephemerals: dh(crypto, ephemeral.privateKey, state.ephemeralPublic),
    staticEphemeral: dh(crypto, ephemeral.privateKey, state.initiatorPublic),
    presharedKey,
  });
  const sealed = crypto.seal(mixed.key, nonce(0n), EMPTY, mixed.hash);
  const head = concat(uint32(2), uint32(senderIndex), uint32(state.senderIndex));
  const body = concat(head, ephemeral.publicKey, sealed);
  return {
    message: withMacs(crypto, body, state.initiatorPublic, options.cookie),
    keys: sessionKeys(crypto, mixed.chainingKey),
  };
}

/** 5.4.3, the initiator's side, and 5.4.5; undefined if the message is not authentic. */
export function readResponse(
  crypto: Crypto,
  initiator: KeyPair,
  state: InitiationState,
  message: Uint8Array,
  presharedKey: Uint8Array,
): SessionKeys | undefined {
  const ephemeralPublic = message.slice(12, 44);
  const mixed = mixResponse(crypto, state, {
    ephemeralPublic,
    ephemerals: dh(crypto, state.ephemeralPrivate!, ephemeralPublic),
    staticEphemeral: dh(crypto, initiator.privateKey, ephemeralPublic),
    presharedKey,
  });
  const empty = crypto.open(mixed.key, nonce(0n), message.slice(44, 60), mixed.hash);
  return empty && sessionKeys(crypto, mixed.chainingKey);
}

function mixResponse(
  crypto: Crypto,
  state: InitiationState,
  input: {
    readonly ephemeralPublic: Uint8Array;
    readonly ephemerals: Uint8Array;
    readonly staticEphemeral: Uint8Array;
    readonly presharedKey: Uint8Array;
  },
): { chainingKey: Uint8Array; hash: Uint8Array; key: Uint8Array } {
  let { chainingKey } = state;
  for (const part of [input.ephemeralPublic, input.ephemerals, input.staticEphemeral]) {
    [chainingKey] = kdf(crypto, 1, chainingKey, part) as [Uint8Array];
  }
  const mixed = kdf(crypto, 3, chainingKey, input.presharedKey);
  const [mixedChainingKey, tau, key] = mixed as [Uint8Array, Uint8Array, Uint8Array];
  const hash = crypto.hash(crypto.hash(state.hash, input.ephemeralPublic), tau);
  return { chainingKey: mixedChainingKey, hash, key };
}

function sessionKeys(crypto: Crypto, chainingKey: Uint8Array): SessionKeys {
  const [initiator, responder] = kdf(crypto, 2, chainingKey, EMPTY) as [Uint8Array, Uint8Array];
  return { initiator, responder };
}

/** 5.4.6; `packet` includes its padding. */
export function writeData(
  crypto: Crypto,
  key: Uint8Array,
  receiverIndex: number,
  counter: bigint,
  packet: Uint8Array,
): Uint8Array {
  const sealed = crypto.seal(key, nonce(counter), packet, EMPTY);
  return concat(uint32(4), uint32(receiverIndex), nonce(counter).slice(4), sealed);
}

/** 5.4.6: the packet with its padding, or undefined. */
export function readData(
  crypto: Crypto,
  key: Uint8Array,
  message: Uint8Array,
): Uint8Array | undefined {
  const counter = Buffer.from(message).readBigUInt64LE(8);
  return crypto.open(key, nonce(counter), message.slice(16), EMPTY);
}

/** 5.4.7, the sender's side: the cookie for the message with `mac1`. */
export function readCookieReply(
  crypto: Crypto,
  responderPublic: Uint8Array,
  mac1: Uint8Array,
  reply: Uint8Array,
): Uint8Array | undefined {
  const key = crypto.hash(LABEL_COOKIE, responderPublic);
  return crypto.openX(key, reply.slice(8, 32), reply.slice(32), mac1);
}

export interface CookieReplyOptions {
  /** The public key of the side that sends the reply. */
  readonly publicKey: Uint8Array;
  readonly receiverIndex: number;
  readonly mac1: Uint8Array;
  readonly cookie: Uint8Array;
}

/** 5.4.7, the responder's side. */
export function writeCookieReply(crypto: Crypto, options: CookieReplyOptions): Uint8Array {
  const key = crypto.hash(LABEL_COOKIE, options.publicKey);
  const random = new Uint8Array(24).fill(7);
  const sealed = crypto.sealX(key, random, options.cookie, options.mac1);
  return concat(uint32(3), uint32(options.receiverIndex), random, sealed);
}

/** The mac1 of a handshake message. */
export function mac1Of(message: Uint8Array): Uint8Array {
  return message.slice(message.length - 32, message.length - 16);
}

/** The mac2 of a handshake message. */
export function mac2Of(message: Uint8Array): Uint8Array {
  return message.slice(message.length - 16);
}

/**
 * A TAI64N timestamp: 2^62 and ten, then the seconds since 1970, then nanoseconds, all big-endian.
 */
export function timestamp(seconds: number, nanoseconds = 0): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(2n ** 62n + 10n + BigInt(seconds));
  bytes.writeUInt32BE(nanoseconds, 8);
  return Uint8Array.from(bytes);
}
