/**
 * The fastest packet encryption: the OpenSSL inside Node.js, called without node:crypto, which creates
 * a new cipher object for each packet. docs/decisions/0022-encrypt-with-openssl.md compares the backends.
 */
import { copySecret } from '../lib/secrets/secret-bytes.js';
import { sameBytes } from '../lib/same-bytes.js';
import { type Crypto, TAG_LENGTH, type TransportKey } from './crypto.js';
import { type AddressedKey, type Cipher, createCipher, type NativeCode } from './openssl-cipher.js';
import { KEY_LENGTH, requireKey } from './x25519.js';

const TEST_KEY = new Uint8Array(KEY_LENGTH).fill(7);

/** OpenSSL keeps the key of the first packet for the next ones. */
const TESTS = [
  { counter: 2 ** 40 + 3, length: 100 },
  { counter: 5, length: 96 },
];

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
    const [ours, theirs] = [0, 1].map(() => new Uint8Array(length + TAG_LENGTH));
    ourKey.seal(ours!, 0, length, counter);
    theirKey.seal(theirs!, 0, length, counter);
    if (!sameBytes(ours!, theirs!)) return false;
    ours![length]! ^= 1;
    if (ourKey.open(ours!, 0, length, counter)) return false;
    const isOpen = ourKey.open(theirs!, 0, length, counter);
    return isOpen && sameBytes(theirs!.subarray(0, length), new Uint8Array(length));
  });
}

/**
 * Lengths of packets for which OpenSSL uses different code. Each leaves parts of the key in other
 * places on the stack. Those that are not a multiple of 64 overwrite the rest of the last block that
 * ChaCha20 keeps.
 */
const WIPING_LENGTHS = [1_420, 96, 0];
const wiping = new Uint8Array(Math.max(...WIPING_LENGTHS) + TAG_LENGTH);

/** Overwrites the keys that OpenSSL keeps, and what it has left on the stack. */
function wipe(native: NativeCode, cipher: Cipher): void {
  const zeros = new OpenSslKey(native, new Uint8Array(KEY_LENGTH));
  for (const length of WIPING_LENGTHS) {
    cipher.seal(zeros, wiping, 0, length, 0);
    cipher.open(zeros, wiping, 0, length, 0);
  }
}

/** A copy of a key, at an address that does not change. */
class OpenSslKey implements AddressedKey {
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
      wipe(native, cipher);
    },
  };
}
