/** The contract of every backend in src/crypto: known answers, and rejected inputs. */
import type { Crypto } from '../../src/crypto/crypto.js';
import { PacketBytes } from '../../src/lib/packets/packet-bytes.js';
import { fromHex, toHex } from './hex.js';
import { seededBytes } from './fakes/seeded-entropy.js';
import { readVectors, wycheproofAead, wycheproofX25519 } from './vectors.js';

const EMPTY = new Uint8Array(0);

/** Points of low order and their equivalents modulo 2^255 - 19; all give a zero result. */
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

/** Declares the tests for one backend; `crypto` returns it when they run. */
export function describeCrypto(name: string, crypto: () => Crypto): void {
  describe(`${name}: known answers`, () => {
    describeX25519(crypto);
    describeHashes(crypto);
    describeAead(crypto);
  });
  describe(`${name}: private keys`, () => describePrivateKeys(crypto));
  describe(`${name}: transport keys`, () => describeTransportKey(crypto));
}

interface Rfc7748 {
  function: { scalar: string; point: string; result: string }[];
  iterated: { rounds: number; result: string }[];
  diffieHellman: Record<
    'alicePrivate' | 'alicePublic' | 'bobPrivate' | 'bobPublic' | 'shared',
    string
  >;
}

function describeX25519(crypto: () => Crypto): void {
  const rfc7748 = readVectors('rfc7748.json') as Rfc7748;

  it.each(rfc7748.function)('X25519 of RFC 7748 5.2 ($scalar)', ({ scalar, point, result }) => {
    expect(toHex(crypto().dh(fromHex(scalar), fromHex(point))!)).toBe(result);
  });

  it.each(rfc7748.iterated)('X25519 of RFC 7748 5.2, $rounds times', ({ rounds, result }) => {
    let scalar = Uint8Array.of(9, ...new Uint8Array(31));
    let point = scalar;
    for (let round = 0; round < rounds; round++) {
      const next = Uint8Array.from(crypto().dh(scalar, point)!);
      [scalar, point] = [next, scalar];
    }
    expect(toHex(scalar)).toBe(result);
  });

  it('X25519 key pairs of RFC 7748 6.1, and their shared secret from both sides', () => {
    const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = rfc7748.diffieHellman;
    expect(toHex(crypto().publicKey(fromHex(alicePrivate)))).toBe(alicePublic);
    expect(toHex(crypto().publicKey(fromHex(bobPrivate)))).toBe(bobPublic);
    expect(toHex(crypto().dh(fromHex(alicePrivate), fromHex(bobPublic))!)).toBe(shared);
    expect(toHex(crypto().dh(fromHex(bobPrivate), fromHex(alicePublic))!)).toBe(shared);
  });

  // RFC 7748 6.1 allows a check for zero; the whitepaper (5.4) then has no result to mix in.
  it.each(LOW_ORDER_POINTS)('X25519 has no result for the low-order point %s', (point) => {
    expect(crypto().dh(seededBytes(1, 32), fromHex(point))).toBeUndefined();
    const withHighBit = fromHex(point);
    withHighBit[31]! |= 0x80;
    expect(crypto().dh(seededBytes(1, 32), withHighBit)).toBeUndefined();
  });

  it('X25519 ignores the highest bit of a point (RFC 7748 5)', () => {
    for (let seed = 0; seed < 20; seed++) {
      const [scalar, point] = [seededBytes(seed, 32), seededBytes(seed + 50, 32)];
      const [low, high] = [point.slice(), point.slice()];
      low[31]! &= 0x7f;
      high[31]! |= 0x80;
      expect(crypto().dh(scalar, high)).toEqual(crypto().dh(scalar, low));
    }
  });

  it('X25519 treats a point that is not reduced as its reduced form (RFC 7748 5)', () => {
    // The encodings 2^255 - 19 + n that fit; n = 0 and 1 are of low order.
    for (let n = 2; n <= 18; n++) {
      const reduced = Uint8Array.of(n, ...new Uint8Array(31));
      const above = new Uint8Array(32).fill(0xff);
      above[0] = 0xed + n;
      above[31] = 0x7f;
      const scalar = seededBytes(n, 32);
      expect(crypto().dh(scalar, above)).toEqual(crypto().dh(scalar, reduced));
    }
  });

  it('X25519 of Wycheproof', () => {
    const cases = wycheproofX25519();
    expect(cases.length).toBeGreaterThanOrEqual(157);
    for (const { id, scalar, point, shared } of cases) {
      expect([id, crypto().dh(scalar, point)]).toEqual([id, shared]);
    }
  });

  it('accepts only keys of 32 bytes', () => {
    const key = seededBytes(1, 32);
    for (const wrong of [EMPTY, new Uint8Array(31), new Uint8Array(33)]) {
      expect(() => crypto().dh(wrong, key)).toThrow(RangeError);
      expect(() => crypto().dh(key, wrong)).toThrow(RangeError);
      expect(() => crypto().publicKey(wrong)).toThrow(RangeError);
    }
  });
}

function describePrivateKeys(crypto: () => Crypto): void {
  it('does not treat a changed array as its earlier key', () => {
    const [first, second] = [seededBytes(3, 32), seededBytes(4, 32)];
    const point = crypto().publicKey(seededBytes(5, 32));
    const expected = crypto().dh(second.slice(), point);
    crypto().dh(first, point);
    first.set(second);
    expect(crypto().dh(first, point)).toEqual(expected);
  });

  it('overwrites a forgotten key, and accepts the array for another one', () => {
    const point = crypto().publicKey(seededBytes(5, 32));
    const key = seededBytes(3, 32);
    const shared = crypto().dh(key, point);
    crypto().forget(key);
    expect(key).toEqual(new Uint8Array(32));
    key.set(seededBytes(4, 32));
    expect(crypto().dh(key, point)).toEqual(crypto().dh(seededBytes(4, 32), point));
    key.set(seededBytes(3, 32));
    expect(crypto().dh(key, point)).toEqual(shared);
  });

  it('returns secrets that only the caller holds', () => {
    const [key, point] = [seededBytes(1, 32), crypto().publicKey(seededBytes(2, 32))];
    const shared = crypto().dh(key, point)!;
    const kept = shared.slice();
    shared.fill(0);
    expect(crypto().dh(key, point)).toEqual(kept);
    const digest = crypto().hmac(key, point);
    const copy = digest.slice();
    digest.fill(0);
    expect(crypto().hmac(key, point)).toEqual(copy);
  });
}

type DigestOfLength = [length: number, digest: string];

interface Blake2s {
  mac: [key: number, input: number, digest: string][];
  hmac: [key: number, input: number, digest: string][];
  chains: Record<'hash' | 'macByInput' | 'macByKey', string>;
}

/** The self-test inputs of RFC 7693 appendix E: a Fibonacci generator. */
function selfTestInput(length: number, seed: number): Uint8Array {
  let [a, b] = [Math.imul(0xdead4bad, seed) >>> 0, 1];
  return Uint8Array.from({ length }, () => {
    [a, b] = [b, (a + b) >>> 0];
    return b >>> 24;
  });
}

function describeHashes(crypto: () => Crypto): void {
  const rfc7693 = readVectors('rfc7693.json') as { abc: string } & Record<
    'unkeyed256' | 'keyed128',
    DigestOfLength[]
  >;
  const blake2s = readVectors('blake2s.json') as Blake2s;

  it('BLAKE2s of RFC 7693 appendix B, in one part or several', () => {
    const text = new TextEncoder().encode('abc');
    expect(toHex(crypto().hash(text))).toBe(rfc7693.abc);
    expect(toHex(crypto().hash(text.subarray(0, 1), EMPTY, text.subarray(1)))).toBe(rfc7693.abc);
  });

  it.each(rfc7693.unkeyed256)('BLAKE2s-256 of RFC 7693 appendix E, %i bytes', (length, digest) => {
    expect(toHex(crypto().hash(selfTestInput(length, length)))).toBe(digest);
  });

  it.each(rfc7693.keyed128)('BLAKE2s-128 of RFC 7693 appendix E, %i bytes', (length, digest) => {
    const input = selfTestInput(length, length);
    expect(toHex(crypto().mac(selfTestInput(16, 16), input))).toBe(digest);
  });

  it('BLAKE2s of every length up to 255', () => {
    const chain = (digests: Uint8Array[]) => toHex(crypto().hash(...digests));
    const lengths = Array.from({ length: 256 }, (_, length) => length);
    expect(chain(lengths.map((length) => crypto().hash(counting(length))))).toBe(
      blake2s.chains.hash,
    );
    const key = counting(32);
    expect(chain(lengths.map((length) => crypto().mac(key, counting(length))))).toBe(
      blake2s.chains.macByInput,
    );
    const keys = lengths.slice(1, 33).map(counting);
    expect(chain(keys.map((each) => crypto().mac(each, counting(255))))).toBe(
      blake2s.chains.macByKey,
    );
  });

  it.each(blake2s.mac)('keyed BLAKE2s-128, key of %i, input of %i bytes', (key, input, digest) => {
    expect(toHex(crypto().mac(counting(key), counting(input)))).toBe(digest);
    const parts = [counting(input).subarray(0, 5), counting(input).subarray(5)];
    expect(toHex(crypto().mac(counting(key), ...parts))).toBe(digest);
  });

  it.each(blake2s.hmac)('HMAC-BLAKE2s, key of %i, input of %i bytes', (key, input, digest) => {
    expect(toHex(crypto().hmac(counting(key), counting(input)))).toBe(digest);
    const parts = [counting(input).subarray(0, 5), counting(input).subarray(5)];
    expect(toHex(crypto().hmac(counting(key), ...parts))).toBe(digest);
  });

  it('compares arrays', () => {
    expect(crypto().equal(counting(16), counting(16))).toBe(true);
    expect(crypto().equal(counting(16), counting(17))).toBe(false);
    expect(crypto().equal(counting(16), new Uint8Array(16))).toBe(false);
  });
}

interface AeadVector {
  readonly section: string;
  readonly key: string;
  readonly nonce: string;
  readonly data: string;
  readonly plaintext: string;
  readonly sealed: string;
}

interface ChaCha20Vector {
  readonly section: string;
  readonly key: string;
  readonly nonce: string;
  readonly counter: number;
  readonly plaintext: string;
  readonly ciphertext: string;
}

function describeAead(crypto: () => Crypto): void {
  const rfc8439 = readVectors('rfc8439.json') as { chacha20: ChaCha20Vector[]; aead: AeadVector[] };
  const xchacha = readVectors('xchacha20-poly1305.json') as { aead: AeadVector[] };

  it.each(rfc8439.chacha20)('ChaCha20 of RFC 8439 $section', (vector) => {
    // The AEAD's ciphertext starts at block counter 1.
    const before = (vector.counter - 1) * 64;
    const plaintext = fromHex('00'.repeat(before) + vector.plaintext);
    const sealed = crypto().seal(fromHex(vector.key), fromHex(vector.nonce), plaintext, EMPTY);
    expect(toHex(sealed.subarray(before, plaintext.length))).toBe(vector.ciphertext);
  });

  const byName = [
    ...rfc8439.aead.map((vector) => ['seal', 'open', vector] as const),
    ...xchacha.aead.map((vector) => ['sealX', 'openX', vector] as const),
  ];
  it.each(byName.map(([seal, open, vector]) => ({ ...vector, sealWith: seal, openWith: open })))(
    '$sealWith and $openWith of $section',
    (vector) => {
      const [key, nonce, data] = [vector.key, vector.nonce, vector.data].map(fromHex) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const sealed = crypto()[vector.sealWith](key, nonce, fromHex(vector.plaintext), data);
      expect(toHex(sealed)).toBe(vector.sealed);
      expect(toHex(crypto()[vector.openWith](key, nonce, sealed, data)!)).toBe(vector.plaintext);
    },
  );

  it.each([
    ['chacha20-poly1305', 124, 'seal', 'open'],
    ['xchacha20-poly1305', 121, 'sealX', 'openX'],
  ] as const)('%s of Wycheproof', (algorithm, count, seal, open) => {
    const cases = wycheproofAead(algorithm);
    expect(cases.length).toBeGreaterThanOrEqual(count);
    for (const { id, isValid, key, nonce, data, plaintext, sealed } of cases) {
      const opened = crypto()[open](key, nonce, sealed, data);
      expect([id, opened]).toEqual([id, isValid ? plaintext : undefined]);
      if (isValid) expect([id, crypto()[seal](key, nonce, plaintext, data)]).toEqual([id, sealed]);
    }
  });

  it.each(['open', 'openX'] as const)('%s refuses input shorter than a tag', (open) => {
    const nonce = new Uint8Array(open === 'open' ? 12 : 24);
    for (const length of [0, 1, 15]) {
      expect(crypto()[open](counting(32), nonce, new Uint8Array(length), EMPTY)).toBeUndefined();
    }
  });
}

function describeTransportKey(crypto: () => Crypto): void {
  const KEY = seededBytes(7, 32);

  it.each([
    [0, 0, '000000000000000000000000'],
    [16, 1, '000000000100000000000000'],
    [1420, 0x1_0203_0405, '000000000504030201000000'],
    [100, 2 ** 53 - 2, '00000000feffffffffff1f00'],
  ])('seals %i bytes with counter %d in place', (length, counter, nonce) => {
    const plaintext = seededBytes(8, length);
    const buffer = new Uint8Array(length + 40).fill(0xaa);
    buffer.set(plaintext, 16);
    const message = buffer.subarray(4, 34 + length);
    const key = crypto().transportKey(KEY);

    key.seal(message, 12, length, counter);

    const expected = crypto().seal(KEY, fromHex(nonce), plaintext, EMPTY);
    expect(buffer.slice(16, 32 + length)).toEqual(expected);
    expect(buffer.slice(0, 16)).toEqual(new Uint8Array(16).fill(0xaa));
    expect(buffer.slice(32 + length)).toEqual(new Uint8Array(8).fill(0xaa));
    expect(key.open(message, 12, length, counter)).toBe(true);
    expect(buffer.slice(16, 16 + length)).toEqual(plaintext);
  });

  it.each([
    [0, 17],
    [1, 16],
    [33, 0],
    [-1, 8],
    [0, -1],
    [NaN, 8],
    [0, NaN],
  ])(
    'throws, and writes nothing outside, for the offset %d and the length %d',
    (offset, length) => {
      const buffer = new Uint8Array(100).fill(0xaa);
      const key = crypto().transportKey(KEY);
      const message = buffer.subarray(40, 72);
      expect(() => key.seal(message, offset, length, 0)).toThrow(RangeError);
      expect(() => key.open(message, offset, length, 0)).toThrow(RangeError);
      expect([...buffer.slice(0, 40), ...buffer.slice(72)]).toEqual(new Array(68).fill(0xaa));
    },
  );

  it('seals packets in many buffers, at many places', () => {
    const key = crypto().transportKey(KEY);
    const memory = new ArrayBuffer(200);
    const buffers = [
      new Uint8Array(48),
      new Uint8Array(4_000),
      Buffer.from('pooled'.repeat(20)),
      new PacketBytes(memory, 7, 60),
      new PacketBytes(memory, 120, 52),
    ];
    for (let counter = 0; counter < 500; counter++) {
      const message = buffers[counter % buffers.length]!;
      const offset = counter % (message.length - 47);
      // slice() of a Buffer would not copy.
      const plaintext = Uint8Array.from(message.subarray(offset, offset + 32));
      key.seal(message, offset, 32, counter);
      const nonce = Uint8Array.of(0, 0, 0, 0, counter, counter >> 8, 0, 0, 0, 0, 0, 0);
      const sealed = Uint8Array.from(message.subarray(offset, offset + 48));
      expect(crypto().open(KEY, nonce, sealed, EMPTY)).toEqual(plaintext);
    }
  });

  it('changes only the text and its tag, also at the end of the memory', () => {
    const key = crypto().transportKey(KEY);
    for (let length = 0; length <= 33; length++) {
      for (const [before, after] of [
        [80, 80],
        [0, 0],
        [3, 7],
      ] as const) {
        const size = length + 16;
        const memory = new ArrayBuffer(before + size + after);
        const all = new Uint8Array(memory).fill(0xaa);
        const message = new PacketBytes(memory, before, size);
        const outside = () => [...all.subarray(0, before), ...all.subarray(before + size)];
        const unchanged = new Array(before + after).fill(0xaa);
        message.fill(1);
        key.seal(message, 0, length, length);
        expect(outside()).toEqual(unchanged);
        const sealed = message.slice();
        expect(key.open(message, 0, length, length)).toBe(true);
        expect(message.slice(0, length)).toEqual(new Uint8Array(length).fill(1));
        expect(outside()).toEqual(unchanged);
        message.set(sealed);
        expect(key.open(message, 0, length, length + 1)).toBe(false);
        expect(outside()).toEqual(unchanged);
      }
    }
  });

  it('refuses a wrong byte, counter or length', () => {
    const key = crypto().transportKey(KEY);
    const message = new Uint8Array(48);
    key.seal(message, 0, 32, 5);
    for (let index = 0; index < 48; index += 7) {
      const wrong = message.slice();
      wrong[index]! ^= 0x80;
      expect(key.open(wrong, 0, 32, 5)).toBe(false);
    }
    expect(key.open(message.slice(), 0, 32, 6)).toBe(false);
    expect(key.open(message.slice(), 0, 31, 5)).toBe(false);
    expect(key.open(message.slice(), 1, 31, 5)).toBe(false);
    expect(key.open(message.slice(), 0, 32, 5)).toBe(true);
  });

  it('keeps a copy of the key until it is wiped', () => {
    const original = KEY.slice();
    const key = crypto().transportKey(original);
    original.fill(0);
    const sealed = new Uint8Array(32);
    key.seal(sealed, 0, 16, 0);
    expect(crypto().open(KEY, new Uint8Array(12), sealed, EMPTY)).toEqual(new Uint8Array(16));
    key.wipe();
    expect(key.open(sealed, 0, 16, 0)).toBe(false);
  });
}
