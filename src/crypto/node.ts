/**
 * The backend that is always available: node:crypto, plus noble for XChaCha20 and keyed BLAKE2s,
 * which node:crypto lacks (`createHash` silently ignores the key).
 */
import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { copySecret, secretBytes } from '../lib/secrets/secret-bytes.js';
import { type Crypto, TAG_LENGTH, type TransportKey } from './crypto.js';
import { writeCounterNonce } from './nonce.js';
import { requireText } from './packet-text.js';
import { forgetPrivateKey, x25519, x25519PublicKey } from './x25519.js';

const AEAD = 'chacha20-poly1305';
const TAG_OPTION = { authTagLength: TAG_LENGTH };

/** BLAKE2s's block length (RFC 7693 2.1), and HMAC's pads (RFC 2104 section 2). */
const BLOCK_LENGTH = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

export function createNodeCrypto(): Crypto {
  return {
    backend: 'node',
    packetBackend: 'node',
    hash,
    hmac,
    mac,
    dh: x25519,
    publicKey: x25519PublicKey,
    forget: forgetPrivateKey,
    seal,
    open,
    sealX: (key, nonce, plaintext, data) => xchacha20poly1305(key, nonce, data).encrypt(plaintext),
    openX,
    equal: (left, right) => left.length === right.length && timingSafeEqual(left, right),
    transportKey: (key) => new NodeTransportKey(key),
  };
}

function hash(...parts: Uint8Array[]): Uint8Array {
  const state = createHash('blake2s256');
  for (const part of parts) state.update(part);
  return bytesOf(state.digest());
}

/** A scratch block for the key XORed with a pad, wiped after each use. */
const block = secretBytes(BLOCK_LENGTH);

/**
 * Implements HMAC directly from its definition, because createHmac leaves its result on the stack.
 */
function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  if (key.length > BLOCK_LENGTH) return hmac(hash(key), ...parts);
  block.fill(INNER_PAD);
  for (let index = 0; index < key.length; index++) block[index]! ^= key[index]!;
  const inner = hash(block, ...parts);
  for (let index = 0; index < BLOCK_LENGTH; index++) block[index]! ^= INNER_PAD ^ OUTER_PAD;
  const outer = hash(block, inner);
  block.fill(0);
  inner.fill(0);
  return outer;
}

/** Returns a view of the digest. A copy would leave the original bytes in memory. */
function bytesOf({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function mac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const state = blake2s.create({ key, dkLen: 16 });
  for (const part of parts) state.update(part);
  return state.digest();
}

const seal: Crypto['seal'] = (key, nonce, plaintext, data) => {
  const cipher = createCipheriv(AEAD, key, nonce, TAG_OPTION);
  cipher.setAAD(data, { plaintextLength: plaintext.length });
  const sealed = new Uint8Array(plaintext.length + TAG_LENGTH);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
};

const open: Crypto['open'] = (key, nonce, ciphertext, data) => {
  const length = ciphertext.length - TAG_LENGTH;
  if (length < 0) return undefined;
  const decipher = createDecipheriv(AEAD, key, nonce, TAG_OPTION);
  decipher.setAAD(data, { plaintextLength: length });
  decipher.setAuthTag(ciphertext.subarray(length));
  const plaintext = decipher.update(ciphertext.subarray(0, length));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return Uint8Array.from(plaintext);
};

const openX: Crypto['openX'] = (key, nonce, ciphertext, data) => {
  try {
    return xchacha20poly1305(key, nonce, data).decrypt(ciphertext);
  } catch {
    return undefined;
  }
};

/** All keys share this memory, because node:crypto copies it. */
const counterNonce = new Uint8Array(12);

/**
 * Copies node:crypto's output back into the buffer, because node:crypto cannot write into a given
 * buffer. The key is kept as bytes, because a KeyObject cannot be wiped.
 */
class NodeTransportKey implements TransportKey {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = copySecret(key);
  }

  seal(message: Uint8Array, offset: number, length: number, counter: number): void {
    requireText(message, offset, length);
    const end = offset + length;
    writeCounterNonce(counterNonce, counter);
    const cipher = createCipheriv(AEAD, this.#key, counterNonce, TAG_OPTION);
    message.set(cipher.update(message.subarray(offset, end)), offset);
    cipher.final();
    message.set(cipher.getAuthTag(), end);
  }

  open(message: Uint8Array, offset: number, length: number, counter: number): boolean {
    requireText(message, offset, length);
    const text = message.subarray(offset, offset + length);
    const tag = message.subarray(offset + length, offset + length + TAG_LENGTH);
    writeCounterNonce(counterNonce, counter);
    const decipher = createDecipheriv(AEAD, this.#key, counterNonce, TAG_OPTION);
    decipher.setAuthTag(tag);
    const plaintext = decipher.update(text);
    try {
      decipher.final();
    } catch {
      return false;
    }
    text.set(plaintext);
    return true;
  }

  wipe(): void {
    this.#key.fill(0);
  }
}
