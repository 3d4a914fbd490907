/** Known answers: the files of test/vectors, each of which names its source. */
import { existsSync, readFileSync } from 'node:fs';
import { fromHex } from './hex.js';

/** The content of a file of test/vectors. */
export function readVectors(name: string): unknown {
  const url = new URL(`../vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** One case of X25519. `shared` is undefined where the result is all zeros. */
export interface X25519Case {
  readonly id: string;
  readonly scalar: Uint8Array;
  readonly point: Uint8Array;
  readonly shared: Uint8Array | undefined;
}

/** One case of an AEAD. `sealed` is ciphertext and tag, which are wrong unless `isValid`. */
export interface AeadCase {
  readonly id: string;
  readonly isValid: boolean;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly data: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Wycheproof's cases of test/vectors, and those of a whole file that lies beside the project. */
export function wycheproofX25519(): X25519Case[] {
  const { tests } = readVectors('wycheproof-x25519.json') as { tests: string[] };
  const own = tests.map((test) => test.split(' ') as X25519Fields);
  const whole =
    wholeFile<Record<'public' | 'private' | 'shared', string>>('wycheproof-x25519.json');
  return [
    ...own,
    ...whole.map((test): X25519Fields => [
      `whole file ${test.tcId}`,
      test.private,
      test.public,
      test.shared,
    ]),
  ].map(([id, scalar, point, shared]) => ({
    id,
    scalar: fromHex(scalar),
    point: fromHex(point),
    shared: /^0+$/.test(shared) ? undefined : fromHex(shared),
  }));
}

/** The same for `chacha20-poly1305` or `xchacha20-poly1305`. */
export function wycheproofAead(algorithm: string): AeadCase[] {
  const { tests } = readVectors(`wycheproof-${algorithm}.json`) as { tests: string[] };
  const own = tests.map((test) => test.split('|') as AeadFields);
  const whole = wholeFile<Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag' | 'result', string>>(
    `wycheproof-${algorithm.replace('-', '_')}.json`,
  );
  return [
    ...own,
    ...whole.map(({ tcId, result, key, iv, aad, msg, ct, tag }): AeadFields => [
      `whole file ${tcId}`,
      result,
      key,
      iv,
      aad,
      msg,
      ct + tag,
    ]),
  ].map(([id, result, key, nonce, data, plaintext, sealed]) => ({
    id,
    isValid: result === 'valid',
    key: fromHex(key),
    nonce: fromHex(nonce),
    data: fromHex(data),
    plaintext: fromHex(plaintext),
    sealed: fromHex(sealed),
  }));
}

type X25519Fields = [id: string, scalar: string, point: string, shared: string];

type AeadFields = [
  id: string,
  result: string,
  key: string,
  nonce: string,
  data: string,
  plaintext: string,
  sealed: string,
];

/** The cases of a file as Wycheproof publishes it; none where it is not there. */
function wholeFile<Fields>(name: string): (Fields & { readonly tcId: number })[] {
  const url = new URL(`../../../shared/vectors/${name}`, import.meta.url);
  if (!existsSync(url)) return [];
  const { testGroups } = JSON.parse(readFileSync(url, 'utf8')) as {
    testGroups: { tests: (Fields & { tcId: number })[] }[];
  };
  return testGroups.flatMap(({ tests }) => tests);
}
