/**
 * The fastest packet encryption: the OpenSSL inside Node.js, called without node:crypto, which creates
 * a new cipher object for each packet. Here, one EVP_CIPHER_CTX for each direction serves all packets
 * (EVP_EncryptInit(3ssl)). docs/decisions/0022-encrypt-with-openssl.md compares the backends.
 */
import { memoryOf, PacketBytes, placeOf } from '../lib/packets/packet-bytes.js';
import { copySecret } from '../lib/secrets/secret-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';
import { type Crypto, TAG_LENGTH, type TransportKey } from './crypto.js';
import { writeCounterNonce } from './nonce.js';
import { requireText } from './packet-text.js';
import { KEY_LENGTH, requireKey } from './x25519.js';

/** The name of a tag's parameter, `tag`, as a C string (EVP_EncryptInit(3ssl)). */
const TAG_NAME = Uint8Array.of(0x74, 0x61, 0x67, 0);

/** An OSSL_PARAM's type for bytes (openssl/core.h), and its length in words (OSSL_PARAM(3ssl)). */
const OCTET_STRING = 5;
const PARAM_WORDS = 5;

const NONCE_LENGTH = 12;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const TEST_KEY = new Uint8Array(KEY_LENGTH).fill(7);
/** OpenSSL keeps the key of the first packet for the second. */
const TESTS = [
  { counter: 2 ** 40 + 3, length: 100 },
  { counter: 5, length: 96 },
];

/** The native functions of the running program. */
export interface NativeCode {
  /** Binds a function by its C declaration. Throws if there is no such function. */
  bind(declaration: string): (...parameters: readonly number[]) => number;
  /** Returns the address of bytes, which do not move while they are referenced. */
  address(bytes: Uint8Array): bigint;
  /** The size of a pointer and of a size_t, in bytes. */
  readonly wordSize: number;
}

/** Returns `base` with OpenSSL's packet encryption; undefined if that is not available. */
export function createOpenSslCrypto(
  base: Crypto,
  native: NativeCode | undefined,
): Crypto | undefined {
  if (native === undefined) return undefined;
  const cipher = tryCipher(native, base);
  if (cipher === undefined) return undefined;
  return {
    ...base,
    packetBackend: 'openssl',
    transportKey: (key) => createTransportKey(native, cipher, key),
  };
}

function tryCipher(native: NativeCode, base: Crypto): Cipher | undefined {
  try {
    const setMark = native.bind('int ERR_set_mark()');
    const popToMark = native.bind('int ERR_pop_to_mark()');
    // An error that stays in OpenSSL's queue would end a TLS connection of this thread.
    setMark();
    try {
      const cipher = createCipher(native);
      return isCorrect(createTransportKey(native, cipher, TEST_KEY), base) ? cipher : undefined;
    } finally {
      popToMark();
    }
  } catch {
    // This program does not contain OpenSSL, or OpenSSL is configured without ChaCha20.
    return undefined;
  }
}

/** Compares packets with the other backend, which uses other code, and checks that a wrong tag is refused. */
function isCorrect(ourKey: TransportKey, base: Crypto): boolean {
  const theirKey = base.transportKey(TEST_KEY);
  return TESTS.every(({ counter, length }) => {
    const size = length + TAG_LENGTH;
    const [ours, theirs] = [new Uint8Array(size), new Uint8Array(size)];
    ourKey.seal(ours, 0, length, counter);
    theirKey.seal(theirs, 0, length, counter);
    if (!sameBytes(ours, theirs)) return false;
    ours[length]! ^= 1;
    if (ourKey.open(ours, 0, length, counter)) return false;
    const isOpen = ourKey.open(theirs, 0, length, counter);
    return isOpen && sameBytes(theirs.subarray(0, length), new Uint8Array(length));
  });
}

/** Encrypts or decrypts as TransportKey does. */
interface Cipher {
  readonly seal: (key: OpenSslKey, ...text: Text) => void;
  readonly open: (key: OpenSslKey, ...text: Text) => boolean;
  /** Overwrites the key that OpenSSL keeps, and what it has left on the stack. */
  readonly wipe: () => void;
}

type Text = Parameters<TransportKey['seal']>;

/**
 * Creates the cipher contexts, one for each direction and all keys, because OpenSSL's functions are
 * synchronous. The addresses that every call needs are in variables instead of fields: V8 would create an
 * object whenever it passes a large number from a field.
 *
 * @throws if OpenSSL is missing, or does not support the algorithm, as in FIPS mode
 */
function createCipher(native: NativeCode): Cipher {
  const encrypt = createContext(native, 'Encrypt');
  const decrypt = createContext(native, 'Decrypt');
  const seal: Cipher['seal'] = (key, message, offset, length, counter) => {
    requireText(message, offset, length);
    requireSuccess(encrypt(key, message, offset, length, counter));
  };
  const open: Cipher['open'] = (key, message, offset, length, counter) => {
    requireText(message, offset, length);
    // Only this result depends on the peer's bytes. All other failures throw.
    return decrypt(key, message, offset, length, counter) === 1;
  };
  const wipe = (): void => {
    const zeros = new OpenSslKey(native, new Uint8Array(KEY_LENGTH));
    for (const length of WIPING_LENGTHS) {
      seal(zeros, wiping, 0, length, 0);
      open(zeros, wiping, 0, length, 0);
    }
  };
  return { seal, open, wipe };
}

/**
 * Processes a text in place, and writes or checks its tag. Returns 1, or 0 if the tag is wrong or if
 * OpenSSL cannot encrypt.
 */
type Run = (key: OpenSslKey, ...text: Text) => number;

function createContext(native: NativeCode, direction: 'Encrypt' | 'Decrypt'): Run {
  const addressOf = (bytes: Uint8Array) => Number(native.address(bytes));
  const p = 'uintptr_t';
  // Addresses are passed as numbers, which is faster than passing pointers.
  const init = native.bind(`int EVP_${direction}Init_ex2(${p}, ${p}, ${p}, ${p}, ${p})`);
  const update = native.bind(`int EVP_${direction}Update(${p}, ${p}, ${p}, ${p}, int)`);
  const final = native.bind(`int EVP_${direction}Final_ex(${p}, ${p}, ${p})`);
  const getParameters = native.bind(`int EVP_CIPHER_CTX_get_params(${p}, ${p})`);
  const context = native.bind(`${p} EVP_CIPHER_CTX_new()`)();
  const algorithm = native.bind(`${p} EVP_chacha20_poly1305()`)();
  // OpenSSL writes after the nonce how many bytes it has written; that is always known here.
  const memory = newMemory(NONCE_LENGTH + 4);
  const nonceAddress = addressOf(memory);
  const writtenAddress = nonceAddress + NONCE_LENGTH;
  const tag = new TagParameter(native);
  const tagAddress = addressOf(tag.parameters);
  const decrypts = direction === 'Decrypt';
  const initParameters = decrypts ? tagAddress : 0;
  const addresses = new Addresses(addressOf);
  let current: OpenSslKey | undefined;
  requireSuccess(init(context, algorithm, 0, 0, 0));
  return (key, message, offset, length, counter) => {
    const text = addresses.of(message, offset);
    tag.pointTo(text + length);
    // Without a key, OpenSSL uses the last one again.
    const keyAddress = key === current ? 0 : key.address;
    current = undefined;
    writeCounterNonce(memory, counter);
    requireSuccess(init(context, 0, keyAddress, nonceAddress, initParameters));
    current = key;
    requireSuccess(update(context, text, writtenAddress, text, length));
    const result = final(context, text, writtenAddress);
    return decrypts || result !== 1 ? result : getParameters(context, tagAddress);
  };
}

/** Returns memory that V8 does not move, unlike that of a small Uint8Array of its own. */
function newMemory(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(size));
}

/** Tells OpenSSL where the tag is: an array of OSSL_PARAM, with one element and the end. */
class TagParameter {
  readonly parameters: Uint8Array;
  readonly #name = newMemory(TAG_NAME.length);
  readonly #words: Uint32Array;
  readonly #wordSize: number;

  constructor(native: NativeCode) {
    const { wordSize } = native;
    const parameters = newMemory(2 * PARAM_WORDS * wordSize);
    this.parameters = parameters;
    this.#words = new Uint32Array(parameters.buffer);
    this.#wordSize = wordSize;
    this.#name.set(TAG_NAME);
    this.#write(0, Number(native.address(this.#name)));
    this.#words[wordSize / 4] = OCTET_STRING;
    this.#write(3, TAG_LENGTH);
  }

  pointTo(tag: number): void {
    this.#write(2, tag);
  }

  /** Writes a pointer or a size_t. */
  #write(index: number, value: number): void {
    if (this.#wordSize === 4) {
      this.#words[index] = value;
      return;
    }
    const first = index * 2;
    // The array truncates the value to its lower 32 bits.
    this.#words[first + (IS_LITTLE_ENDIAN ? 0 : 1)] = value;
    this.#words[first + (IS_LITTLE_ENDIAN ? 1 : 0)] = Math.floor(value / 0x1_0000_0000);
  }
}

/** Returns the addresses of texts. */
class Addresses {
  readonly #addressOf: (bytes: Uint8Array) => number;
  /** The latest slab and its address. */
  #memory: ArrayBufferLike | undefined;
  #address = 0;

  constructor(addressOf: (bytes: Uint8Array) => number) {
    this.#addressOf = addressOf;
  }

  /**
   * Returns the address of the byte at `offset`. PacketBytes keep it as the object that V8 passes to
   * native code, and would otherwise create for each packet.
   */
  of(bytes: Uint8Array, offset: number): number {
    if (!(bytes instanceof PacketBytes)) return this.#compute(bytes, offset);
    const { address } = bytes;
    if (address !== undefined && bytes.addressOffset === offset) return address;
    const computed = this.#compute(bytes, offset);
    bytes.addressOffset = offset;
    return (bytes.address = computed);
  }

  #compute(bytes: Uint8Array, offset: number): number {
    const memory = memoryOf(bytes);
    if (memory !== this.#memory) {
      this.#address = this.#addressOf(new Uint8Array(memory));
      this.#memory = memory;
    }
    return this.#address + placeOf(bytes) + offset;
  }
}

function requireSuccess(result: number): void {
  if (result !== 1) throw new Error('OpenSSL cannot use ChaCha20-Poly1305');
}

/**
 * Lengths of packets for which OpenSSL uses different code. Each leaves parts of the key in other
 * places on the stack.
 */
const WIPING_LENGTHS = [1_420, 96, 0];
const wiping = new Uint8Array(Math.max(...WIPING_LENGTHS) + TAG_LENGTH);

/** A copy of a key, at an address that does not change. */
class OpenSslKey {
  readonly address: number;
  readonly #bytes: Uint8Array;

  constructor(native: NativeCode, key: Uint8Array) {
    requireKey(key);
    this.#bytes = copySecret(key);
    this.address = Number(native.address(this.#bytes));
  }

  fillWithZeros(): void {
    this.#bytes.fill(0);
  }
}

/** Returns a key whose functions call OpenSSL. */
function createTransportKey(native: NativeCode, cipher: Cipher, bytes: Uint8Array): TransportKey {
  const key = new OpenSslKey(native, bytes);
  return {
    seal: (message, offset, length, counter) => cipher.seal(key, message, offset, length, counter),
    open: (message, offset, length, counter) => cipher.open(key, message, offset, length, counter),
    wipe: () => {
      key.fillWithZeros();
      cipher.wipe();
    },
  };
}
