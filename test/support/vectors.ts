/** Known-answer tests from the files in test/vectors, each of which names its source. */
import { existsSync, readFileSync } from 'node:fs';
import { fromHex } from './hex.js';

/** The content of a file in test/vectors. */
export function readVectors(name: string): unknown {
  const url = new URL(`../vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** An X25519 case. `shared` is undefined if the result is all zeros. */
export interface X25519Case {
  readonly id: string;
  readonly scalar: Uint8Array;
  readonly point: Uint8Array;
  readonly shared: Uint8Array | undefined;
}

/** An AEAD case. `sealed` is ciphertext and tag, which are invalid unless `isValid`. */
export interface AeadCase {
  readonly id: string;
  readonly isValid: boolean;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly data: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly sealed: Uint8Array;
}

/**
 * The Wycheproof X25519 cases in test/vectors, and those of a complete file next to the project.
 */
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

/** The Wycheproof cases for `chacha20-poly1305` or `xchacha20-poly1305`. */
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

/** The cases of a file as Wycheproof publishes it; empty if the file does not exist. */
function wholeFile<Fields>(name: string): (Fields & { readonly tcId: number })[] {
  const url = new URL(`../../../shared/vectors/${name}`, import.meta.url);
  if (!existsSync(url)) return [];
  const { testGroups } = JSON.parse(readFileSync(url, 'utf8')) as {
    testGroups: { tests: (Fields & { tcId: number })[] }[];
  };
  return testGroups.flatMap(({ tests }) => tests);
}
