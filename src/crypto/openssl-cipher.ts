/**
 * ChaCha20-Poly1305 (RFC 8439, section 2.8) from the OpenSSL inside Node.js, for packets: ChaCha20 of
 * EVP_EncryptInit(3ssl) and Poly1305 of EVP_MAC(3ssl). OpenSSL's own ChaCha20-Poly1305 takes about 400 ns
 * longer for each packet, because it authenticates the lengths in a call of their own, and finds the tag by
 * its name. docs/decisions/0022-encrypt-with-openssl.md has the measurements.
 */
import { memoryOf, PacketBytes, placeOf } from '../lib/packets/packet-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';
import { TAG_LENGTH, type TransportKey } from './crypto.js';
import { writeCounterNonce } from './nonce.js';
import { requireText } from './packet-text.js';
import { KEY_LENGTH } from './x25519.js';

/** ChaCha20's number of the first block, 32 bits, and the nonce (EVP_chacha20(3ssl)). */
const IV_LENGTH = 16;
const BLOCK_NUMBER_LENGTH = 4;
/** The length of ChaCha20's blocks in bytes. */
const BLOCK_LENGTH = 64;
/** The length of Poly1305's blocks in bytes. */
const MAC_BLOCK_LENGTH = 16;
/** The lengths of the additional data and of the text, each 64 bits. */
const LENGTHS_LENGTH = 16;

/** The length of an `int` in bytes. */
const INT_LENGTH = 4;

const MEMORY_LENGTH = 512;

/** The algorithm's name as a C string. */
const POLY1305 = Uint8Array.from('POLY1305\0', (character) => character.charCodeAt(0));

/** The native functions of the running program. */
export interface NativeCode {
  /** Binds a function by its C declaration. Throws if there is no such function. */
  bind(declaration: string): (...parameters: readonly number[]) => number;
  /** Returns the address of bytes, which do not move while they are referenced. */
  address(bytes: Uint8Array): bigint;
}

/** A key at an address that does not change. */
export interface AddressedKey {
  readonly address: number;
}

type Text = Parameters<TransportKey['seal']>;

/** Encrypts and decrypts as TransportKey does, without additional data. */
export interface Cipher {
  seal(key: AddressedKey, ...text: Text): void;
  open(key: AddressedKey, ...text: Text): boolean;
}

/**
 * All keys share one ChaCha20 context for each direction and one Poly1305 context, because OpenSSL's
 * functions are synchronous. The addresses that every call needs are in variables instead of fields: V8 would create an
 * object whenever it passes a large number from a field.
 *
 * @throws if OpenSSL is missing, or does not support the algorithms, as in FIPS mode
 */
export function createCipher(native: NativeCode): Cipher {
  const memory = new NativeMemory(native);
  const oneTimeKey = memory.take(BLOCK_LENGTH);
  // Each context keeps the latest key of its direction.
  const encryption = createStream(native, memory, oneTimeKey.address);
  const decryption = createStream(native, memory, oneTimeKey.address);
  const { tag, compute } = createAuthenticator(native, memory, oneTimeKey.address);
  const received = memory.take(TAG_LENGTH).bytes;
  const [plaintexts, ciphertexts] = [new Texts(native), new Texts(native)];
  return {
    seal: (key, message, offset, length, counter) => {
      requireText(message, offset, length);
      const text = plaintexts.addressOf(message, offset);
      const start = placeOf(message) + offset;
      encryption.begin(key, counter);
      encryption.crypt(text, length);
      compute(text, plaintexts.memory, start, length);
      copyTag(tag, 0, plaintexts.memory, start + length);
    },
    open: (key, message, offset, length, counter) => {
      requireText(message, offset, length);
      const text = ciphertexts.addressOf(message, offset);
      const start = placeOf(message) + offset;
      copyTag(ciphertexts.memory, start + length, received, 0);
      decryption.begin(key, counter);
      try {
        compute(text, ciphertexts.memory, start, length);
      } finally {
        // compute() overwrites it.
        copyTag(received, 0, ciphertexts.memory, start + length);
      }
      if (!sameBytes(tag, received)) return false;
      decryption.crypt(text, length);
      return true;
    },
  };
}

/** ChaCha20 with one context, which keeps the latest key. */
interface Stream {
  /** Sets the key and the nonce, and writes the one-time key of this nonce (RFC 8439, section 2.6). */
  begin(key: AddressedKey, counter: number): void;
  /** Encrypts or decrypts the text at an address in place, once for each begin(). */
  crypt(text: number, length: number): void;
}

function createStream(native: NativeCode, memory: NativeMemory, oneTimeKey: number): Stream {
  const p = 'uintptr_t';
  // Addresses are passed as numbers, which is faster than passing pointers.
  const init = native.bind(`int EVP_EncryptInit_ex2(${p}, ${p}, ${p}, ${p}, ${p})`);
  const update = native.bind(`int EVP_EncryptUpdate(${p}, ${p}, ${p}, ${p}, int)`);
  const context = requireAddress(native.bind(`${p} EVP_CIPHER_CTX_new()`)());
  const algorithm = requireAddress(native.bind(`${p} EVP_chacha20()`)());
  const { bytes: ivBytes, address: iv } = memory.take(IV_LENGTH);
  const nonce = ivBytes.subarray(BLOCK_NUMBER_LENGTH);
  const zeros = memory.take(BLOCK_LENGTH).address;
  // OpenSSL writes how many bytes it has written; that is always known here.
  const written = memory.take(INT_LENGTH).address;
  let current: AddressedKey | undefined;
  requireSuccess(init(context, algorithm, 0, 0, 0));
  return {
    begin: (key, counter) => {
      // Without a key, OpenSSL uses the last one again.
      const keyAddress = key === current ? 0 : key.address;
      current = undefined;
      writeCounterNonce(nonce, counter);
      requireSuccess(init(context, 0, keyAddress, iv, 0));
      current = key;
      requireSuccess(update(context, oneTimeKey, written, zeros, BLOCK_LENGTH));
    },
    crypt: (text, length) => {
      requireSuccess(update(context, text, written, text, length));
    },
  };
}

interface Authenticator {
  /** The latest tag. */
  readonly tag: Uint8Array;
  /**
   * Computes the tag of an encrypted text at an address, which is `length` bytes of `memory` from `start` on.
   * It may overwrite the next 16 bytes, where a message has its tag.
   */
  readonly compute: (text: number, memory: Uint8Array, start: number, length: number) => void;
}

/** Poly1305 with one context, for a text without additional data (RFC 8439, section 2.8). */
function createAuthenticator(
  native: NativeCode,
  memory: NativeMemory,
  oneTimeKey: number,
): Authenticator {
  const p = 'uintptr_t';
  const init = native.bind(`int EVP_MAC_init(${p}, ${p}, ${p}, ${p})`);
  const update = native.bind(`int EVP_MAC_update(${p}, ${p}, ${p})`);
  const final = native.bind(`int EVP_MAC_final(${p}, ${p}, ${p}, ${p})`);
  const fetch = native.bind(`${p} EVP_MAC_fetch(${p}, ${p}, ${p})`);
  const newContext = native.bind(`${p} EVP_MAC_CTX_new(${p})`);
  const name = memory.take(POLY1305.length);
  name.bytes.set(POLY1305);
  const context = requireAddress(newContext(requireAddress(fetch(0, name.address, 0))));
  const { bytes: tag, address: tagAddress } = memory.take(TAG_LENGTH);
  const { bytes: ending, address: endingAddress } = memory.take(MAC_BLOCK_LENGTH + LENGTHS_LENGTH);
  const saved = memory.take(MAC_BLOCK_LENGTH).bytes;
  const compute: Authenticator['compute'] = (text, bytes, start, length) => {
    requireSuccess(init(context, oneTimeKey, KEY_LENGTH, 0));
    const padding = -length & (MAC_BLOCK_LENGTH - 1);
    const end = start + length;
    if (end + padding + LENGTHS_LENGTH <= bytes.length) {
      // One call authenticates everything. With AVX-512, another call for 16 bytes takes OpenSSL as long as
      // one for a whole packet. The bytes after the tag may be those of the next packet, so they are restored. Nothing else
      // reads or writes them meanwhile, because packets are not in memory of other threads.
      const after = end + TAG_LENGTH;
      for (let index = 0; index < padding; index++) saved[index] = bytes[after + index]!;
      writeEnding(bytes, end, padding, length);
      const result = update(context, text, length + padding + LENGTHS_LENGTH);
      for (let index = 0; index < padding; index++) bytes[after + index] = saved[index]!;
      requireSuccess(result);
    } else {
      writeEnding(ending, 0, padding, length);
      requireSuccess(update(context, text, length));
      requireSuccess(update(context, endingAddress, padding + LENGTHS_LENGTH));
    }
    requireSuccess(final(context, tagAddress, 0, TAG_LENGTH));
  };
  return { tag, compute };
}

/**
 * Writes the padding, the length of the additional data, which is 0, and that of the text, as little-endian
 * u64.
 */
function writeEnding(bytes: Uint8Array, start: number, padding: number, length: number): void {
  const end = start + padding + LENGTHS_LENGTH;
  for (let index = start; index < end; index++) bytes[index] = 0;
  bytes[end - 8] = length;
  bytes[end - 7] = length >>> 8;
  bytes[end - 6] = length >>> 16;
  bytes[end - 5] = length >>> 24;
}

/** Copies a tag in a loop. V8 needs less time for it than for set(), and it needs no view. */
function copyTag(from: Uint8Array, start: number, to: Uint8Array, at: number): void {
  for (let index = 0; index < TAG_LENGTH; index++) to[at + index] = from[start + index]!;
}

/** The memory of texts, and their addresses. */
class Texts {
  /** All bytes of the latest text's memory. */
  memory: Uint8Array = new Uint8Array(0);
  readonly #native: NativeCode;
  #buffer: ArrayBufferLike | undefined;
  #address = 0;

  constructor(native: NativeCode) {
    this.#native = native;
  }

  /**
   * Returns the address of the byte at `offset`, and sets `memory`. PacketBytes keep the address as the
   * object that V8 passes to native code, and would otherwise create for each packet.
   */
  addressOf(message: Uint8Array, offset: number): number {
    const buffer = memoryOf(message);
    // Before a known address is returned, because `memory` must contain the message.
    if (buffer !== this.#buffer) this.#use(buffer);
    if (!(message instanceof PacketBytes)) return this.#address + placeOf(message) + offset;
    const { address } = message;
    if (address !== undefined && message.addressOffset === offset) return address;
    message.addressOffset = offset;
    return (message.address = this.#address + placeOf(message) + offset);
  }

  #use(buffer: ArrayBufferLike): void {
    this.memory = new Uint8Array(buffer);
    this.#address = Number(this.#native.address(this.memory));
    this.#buffer = buffer;
  }
}

/**
 * Memory that V8 does not move, unlike that of a small Uint8Array of its own. It exists as long as one of
 * its parts.
 */
class NativeMemory {
  readonly #bytes = new Uint8Array(new ArrayBuffer(MEMORY_LENGTH));
  readonly #address: number;
  #taken = 0;

  constructor(native: NativeCode) {
    this.#address = Number(native.address(this.#bytes));
  }

  /** Returns a part that begins at a multiple of 16. */
  take(length: number): { readonly bytes: Uint8Array; readonly address: number } {
    const start = this.#taken;
    this.#taken += Math.ceil(length / 16) * 16;
    if (this.#taken > MEMORY_LENGTH) throw new RangeError('the memory is too small');
    return { bytes: this.#bytes.subarray(start, start + length), address: this.#address + start };
  }
}

function requireAddress(address: number): number {
  if (address === 0) throw new Error('OpenSSL does not support ChaCha20 or Poly1305');
  return address;
}

function requireSuccess(result: number): void {
  if (result !== 1) throw new Error('OpenSSL cannot use ChaCha20 or Poly1305');
}
