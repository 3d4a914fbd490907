/**
 * The fastest packet encryption: the OpenSSL inside Node.js, called without node:crypto, which creates
 * a new cipher object for each packet. Here, one EVP_CIPHER_CTX serves all packets
 * (EVP_EncryptInit(3ssl)). docs/decisions/0022-encrypt-with-openssl.md compares the backends.
 */
import { copySecret } from '../lib/secrets/secret-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';
import { type Crypto, TAG_LENGTH, type TransportKey } from './crypto.js';
import { writeCounterNonce } from './nonce.js';
import { requireText } from './packet-text.js';
import { KEY_LENGTH, requireKey } from './x25519.js';

/** The commands of EVP_CIPHER_CTX_ctrl (openssl/evp.h). */
const AEAD_GET_TAG = 0x10;
const AEAD_SET_TAG = 0x11;

const DECRYPT = 0;
const ENCRYPT = 1;

/** The native functions of the running program. */
export interface NativeCode {
  /** Binds a function by its C declaration. Throws if there is no such function. */
  bind(declaration: string): (...parameters: readonly number[]) => number;
  /** Returns the address of bytes, which do not move while they are referenced. */
  address(bytes: Uint8Array): bigint;
}

/** Returns `base` with OpenSSL's packet encryption; undefined if that is not available. */
export function createOpenSslCrypto(
  base: Crypto,
  native: NativeCode | undefined,
): Crypto | undefined {
  const cipher = native && tryCipher(native, base);
  if (cipher === undefined) return undefined;
  return {
    ...base,
    packetBackend: 'openssl',
    transportKey: (key) => new OpenSslTransportKey(cipher, key),
  };
}

function tryCipher(native: NativeCode, base: Crypto): Cipher | undefined {
  try {
    const setMark = native.bind('int ERR_set_mark()');
    const popToMark = native.bind('int ERR_pop_to_mark()');
    // An error that stays in OpenSSL's queue would end a TLS connection of this thread.
    setMark();
    try {
      const cipher = new Cipher(native);
      return isCorrect(cipher, base) ? cipher : undefined;
    } finally {
      popToMark();
    }
  } catch {
    // This program does not contain OpenSSL, or OpenSSL is configured without ChaCha20.
    return undefined;
  }
}

/** Compares one packet with the other backend, which uses other code. */
function isCorrect(cipher: Cipher, base: Crypto): boolean {
  const [key, length, counter] = [new Uint8Array(KEY_LENGTH).fill(7), 100, 2 ** 40 + 3];
  const [ours, theirs] = [new Uint8Array(length + TAG_LENGTH), new Uint8Array(length + TAG_LENGTH)];
  const ourKey = new OpenSslTransportKey(cipher, key);
  ourKey.seal(ours, 0, length, counter);
  base.transportKey(key).seal(theirs, 0, length, counter);
  return sameBytes(ours, theirs) && ourKey.open(theirs, 0, length, counter);
}

type CFunction = ReturnType<NativeCode['bind']>;

/** A cipher context for all keys, because OpenSSL's functions are synchronous. */
class Cipher {
  readonly addressOf: (bytes: Uint8Array) => number;
  readonly #init: CFunction;
  readonly #update: CFunction;
  readonly #final: CFunction;
  readonly #control: CFunction;
  readonly #context: number;
  readonly #nonce = new Uint8Array(new ArrayBuffer(12));
  /** Where OpenSSL writes how many bytes it has written; that is always known here. */
  readonly #written = new Uint8Array(new ArrayBuffer(4));
  readonly #nonceAddress: number;
  readonly #writtenAddress: number;
  /** Sent and received packets are in different slabs. */
  readonly #sent: Addresses;
  readonly #received: Addresses;

  /** @throws if OpenSSL is missing, or does not support the algorithm, as in FIPS mode */
  constructor(native: NativeCode) {
    const bind = (declaration: string) => native.bind(declaration);
    const addressOf = (bytes: Uint8Array) => Number(native.address(bytes));
    this.addressOf = addressOf;
    this.#sent = new Addresses(addressOf);
    this.#received = new Addresses(addressOf);
    // Addresses are passed as numbers, which is faster than passing pointers.
    this.#init = bind(
      'int EVP_CipherInit_ex(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)',
    );
    this.#update = bind('int EVP_CipherUpdate(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)');
    this.#final = bind('int EVP_CipherFinal_ex(uintptr_t, uintptr_t, uintptr_t)');
    this.#control = bind('int EVP_CIPHER_CTX_ctrl(uintptr_t, int, int, uintptr_t)');
    this.#context = bind('uintptr_t EVP_CIPHER_CTX_new()')();
    const algorithm = bind('uintptr_t EVP_chacha20_poly1305()')();
    this.#nonceAddress = addressOf(this.#nonce);
    this.#writtenAddress = addressOf(this.#written);
    requireSuccess(this.#init(this.#context, algorithm, 0, 0, 0, ENCRYPT));
  }

  /** @param key the address of the key */
  seal(key: number, message: Uint8Array, offset: number, length: number, counter: number): void {
    requireText(message, offset, length);
    const text = this.#sent.of(message) + offset;
    requireSuccess(this.#begin(key, counter, ENCRYPT));
    requireSuccess(this.#update(this.#context, text, this.#writtenAddress, text, length));
    requireSuccess(this.#final(this.#context, text, this.#writtenAddress));
    const tag = text + length;
    requireSuccess(this.#control(this.#context, AEAD_GET_TAG, TAG_LENGTH, tag));
  }

  /** @param key the address of the key */
  open(key: number, message: Uint8Array, offset: number, length: number, counter: number): boolean {
    requireText(message, offset, length);
    const text = this.#received.of(message) + offset;
    const tag = text + length;
    requireSuccess(this.#begin(key, counter, DECRYPT));
    requireSuccess(this.#control(this.#context, AEAD_SET_TAG, TAG_LENGTH, tag));
    requireSuccess(this.#update(this.#context, text, this.#writtenAddress, text, length));
    // This is the only call that depends on the peer's bytes.
    return this.#final(this.#context, text, this.#writtenAddress) === 1;
  }

  #begin(key: number, counter: number, direction: number): number {
    writeCounterNonce(this.#nonce, counter);
    return this.#init(this.#context, 0, 0, key, this.#nonceAddress, direction);
  }
}

/** Returns the addresses of messages, and keeps that of the latest slab. */
class Addresses {
  readonly #addressOf: (bytes: Uint8Array) => number;
  #memory: ArrayBufferLike | undefined;
  #address = 0;

  constructor(addressOf: (bytes: Uint8Array) => number) {
    this.#addressOf = addressOf;
  }

  of({ buffer, byteOffset }: Uint8Array): number {
    if (buffer !== this.#memory) {
      this.#memory = buffer;
      this.#address = this.#addressOf(new Uint8Array(buffer));
    }
    return this.#address + byteOffset;
  }
}

function requireSuccess(result: number): void {
  if (result !== 1) throw new Error('OpenSSL cannot encrypt with ChaCha20-Poly1305');
}

/**
 * Lengths of packets for which OpenSSL uses different code. Each leaves parts of the key in other
 * places on the stack.
 */
const WIPING_LENGTHS = [1_420, 96, 0];
const wiping = new Uint8Array(Math.max(...WIPING_LENGTHS) + TAG_LENGTH);

class OpenSslTransportKey implements TransportKey {
  readonly #cipher: Cipher;
  readonly #key: Uint8Array;
  readonly #address: number;

  constructor(cipher: Cipher, key: Uint8Array) {
    requireKey(key);
    this.#cipher = cipher;
    this.#key = copySecret(key);
    this.#address = cipher.addressOf(this.#key);
  }

  seal(message: Uint8Array, offset: number, length: number, counter: number): void {
    this.#cipher.seal(this.#address, message, offset, length, counter);
  }

  open(message: Uint8Array, offset: number, length: number, counter: number): boolean {
    return this.#cipher.open(this.#address, message, offset, length, counter);
  }

  wipe(): void {
    this.#key.fill(0);
    // OpenSSL keeps the last key in its context, in CPU registers and on the stack. Encrypting with the
    // zeroed key overwrites them.
    for (const length of WIPING_LENGTHS) this.seal(wiping, 0, length, 0);
  }
}
