/** What every backend of src/crypto must do: known answers, and refusals. */
import type { Crypto } from '../../src/crypto/crypto.js';
import { fromHex, toHex } from './hex.js';
import { seededBytes } from './seeded-entropy.js';
import { readVectors } from './vectors.js';

const EMPTY = new Uint8Array(0);

const SUNSCREEN = new TextEncoder().encode(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);
const AEAD_KEY = Uint8Array.from({ length: 32 }, (_, index) => 0x80 + index);
const AEAD_DATA = fromHex('50515253c0c1c2c3c4c5c6c7');

/** RFC 7748 5.2 and 6.1: private key, public key, shared secret. */
const X25519_ANSWERS = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
] as const;

/** Points of low order and their equals modulo 2^255 - 19: all give zero. */
export const LOW_ORDER_POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
] as const;

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index);
}

/** Declares the tests for one backend; `crypto` gives it once they run. */
export function describeCrypto(name: string, crypto: () => Crypto): void {
  describe(`${name}: known answers`, () => {
    describeX25519(crypto);
    describeHashes(crypto);
    describeAead(crypto);
  });
  describe(`${name}: transport keys`, () => describeTransportKey(crypto));
}

function describeX25519(crypto: () => Crypto): void {
  it.each(X25519_ANSWERS)('X25519 of RFC 7748 5.2 (%s)', (scalar, point, shared) => {
    expect(crypto().dh(fromHex(scalar), fromHex(point))).toEqual(fromHex(shared));
  });

  it('X25519 key pair of RFC 7748 6.1', () => {
    const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    expect(toHex(crypto().publicKey(alice))).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
  });

  it.each(LOW_ORDER_POINTS)('X25519 gives nothing for the low-order point %s', (point) => {
    expect(crypto().dh(seededBytes(1, 32), fromHex(point))).toBeUndefined();
  });

  it('X25519 of Wycheproof', () => {
    const { tests } = readVectors('wycheproof-x25519.json') as { tests: string[] };
    expect(tests).toHaveLength(518);
    for (const test of tests) {
      const [id, scalar, point, shared] = test.split(' ') as [string, string, string, string];
      const result = crypto().dh(fromHex(scalar), fromHex(point));
      const expected = /^0+$/.test(shared) ? undefined : shared;
      expect([id, result && toHex(result)]).toEqual([id, expected]);
    }
  });

  it('does not take a changed array for the key that it held before', () => {
    const [first, second] = [seededBytes(3, 32), seededBytes(4, 32)];
    const point = crypto().publicKey(seededBytes(5, 32));
    const expected = crypto().dh(second.slice(), point);
    crypto().dh(first, point);
    first.set(second);
    expect(crypto().dh(first, point)).toEqual(expected);
  });
}

function describeHashes(crypto: () => Crypto): void {
  it('BLAKE2s of RFC 7693 appendix B, in one part or several', () => {
    const expected = '508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982';
    const text = new TextEncoder().encode('abc');
    expect(toHex(crypto().hash(text))).toBe(expected);
    expect(toHex(crypto().hash(text.subarray(0, 1), EMPTY, text.subarray(1)))).toBe(expected);
  });

  const answers = readVectors('blake2s.json') as {
    mac: [number, number, string][];
    hmac: [number, number, string][];
  };

  it.each(answers.mac)('keyed BLAKE2s-128, key of %i, input of %i bytes', (key, input, digest) => {
    expect(toHex(crypto().mac(counting(key), counting(input)))).toBe(digest);
    const parts = [counting(input).subarray(0, 5), counting(input).subarray(5)];
    expect(toHex(crypto().mac(counting(key), ...parts))).toBe(digest);
  });

  it.each(answers.hmac)('HMAC-BLAKE2s, key of %i, input of %i bytes', (key, input, digest) => {
    expect(toHex(crypto().hmac(counting(key), counting(input)))).toBe(digest);
  });

  it('compares', () => {
    expect(crypto().equal(counting(16), counting(16))).toBe(true);
    expect(crypto().equal(counting(16), counting(17))).toBe(false);
    expect(crypto().equal(counting(16), new Uint8Array(16))).toBe(false);
  });
}

function describeAead(crypto: () => Crypto): void {
  it('ChaCha20-Poly1305 of RFC 8439 2.8.2', () => {
    const nonce = fromHex('070000004041424344454647');
    const sealed = crypto().seal(AEAD_KEY, nonce, SUNSCREEN, AEAD_DATA);
    expect(toHex(sealed)).toBe(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
        '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
        '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
        '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
    );
    expect(crypto().open(AEAD_KEY, nonce, sealed, AEAD_DATA)).toEqual(SUNSCREEN);
  });

  it('XChaCha20-Poly1305 of draft-irtf-cfrg-xchacha-03 A.3.1', () => {
    const nonce = fromHex('404142434445464748494a4b4c4d4e4f5051525354555657');
    const sealed = crypto().sealX(AEAD_KEY, nonce, SUNSCREEN, AEAD_DATA);
    expect(toHex(sealed)).toBe(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
        '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
        '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
        '21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
    );
    expect(crypto().openX(AEAD_KEY, nonce, sealed, AEAD_DATA)).toEqual(SUNSCREEN);
  });

  it.each([
    ['wycheproof-chacha20-poly1305.json', 316, 'seal', 'open'],
    ['wycheproof-xchacha20-poly1305.json', 306, 'sealX', 'openX'],
  ] as const)('AEAD of %s', (file, count, seal, open) => {
    const { tests } = readVectors(file) as { tests: string[] };
    expect(tests).toHaveLength(count);
    for (const test of tests) {
      const [id, result, ...fields] = test.split('|');
      const [key, nonce, data, plaintext, ciphertext] = fields.map(fromHex) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const opened = crypto()[open](key, nonce, ciphertext, data);
      expect([id, opened]).toEqual([id, result === 'valid' ? plaintext : undefined]);
      if (result === 'valid') {
        expect([id, crypto()[seal](key, nonce, plaintext, data)]).toEqual([id, ciphertext]);
      }
    }
  });

  it.each(['open', 'openX'] as const)('%s refuses what is shorter than a tag', (open) => {
    const nonce = new Uint8Array(open === 'open' ? 12 : 24);
    expect(crypto()[open](AEAD_KEY, nonce, new Uint8Array(15), EMPTY)).toBeUndefined();
  });
}

function describeTransportKey(crypto: () => Crypto): void {
  const KEY = seededBytes(7, 32);

  it.each([
    [0, 0, '000000000000000000000000'],
    [16, 1, '000000000100000000000000'],
    [1420, 0x1_0203_0405, '000000000504030201000000'],
    [100, 2 ** 53 - 2, '00000000feffffffffff1f00'],
  ])('seals %i bytes under counter %d in place', (length, counter, nonce) => {
    const plaintext = seededBytes(8, length);
    const buffer = new Uint8Array(length + 40).fill(0xaa);
    buffer.set(plaintext, 16);
    const key = crypto().transportKey(KEY);

    key.seal(buffer, 16, length, counter);

    const expected = crypto().seal(KEY, fromHex(nonce), plaintext, EMPTY);
    expect(buffer.slice(16, 32 + length)).toEqual(expected);
    expect(buffer.slice(0, 16)).toEqual(new Uint8Array(16).fill(0xaa));
    expect(buffer.slice(32 + length)).toEqual(new Uint8Array(8).fill(0xaa));
    expect(key.open(buffer, 16, length + 16, counter)).toBe(true);
    expect(buffer.slice(16, 16 + length)).toEqual(plaintext);
  });

  it('refuses a wrong byte, counter or length', () => {
    const key = crypto().transportKey(KEY);
    const sealed = new Uint8Array(48);
    key.seal(sealed, 0, 32, 5);
    for (let index = 0; index < sealed.length; index += 7) {
      const wrong = sealed.slice();
      wrong[index]! ^= 0x80;
      expect(key.open(wrong, 0, 48, 5)).toBe(false);
    }
    expect(key.open(sealed.slice(), 0, 48, 6)).toBe(false);
    expect(key.open(sealed.slice(), 0, 47, 5)).toBe(false);
    expect(key.open(sealed.slice(), 0, 15, 5)).toBe(false);
    expect(key.open(sealed.slice(), 0, 48, 5)).toBe(true);
  });

  it('holds a copy of the key, and loses it when wiped', () => {
    const original = KEY.slice();
    const key = crypto().transportKey(original);
    original.fill(0);
    const sealed = new Uint8Array(32);
    key.seal(sealed, 0, 16, 0);
    expect(crypto().open(KEY, new Uint8Array(12), sealed, EMPTY)).toEqual(new Uint8Array(16));
    key.wipe();
    expect(key.open(sealed, 0, 32, 0)).toBe(false);
  });
}
