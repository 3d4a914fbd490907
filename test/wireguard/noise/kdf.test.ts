import { hkdf2, hkdf3 } from '../../../src/wireguard/noise/kdf.js';
import { CRYPTO_BACKENDS } from '../../support/crypto-backends.js';
import { fromHex, toHex } from '../../support/hex.js';
import { readVectors } from '../../support/vectors.js';

interface Case {
  readonly from: string;
  readonly chainingKey: string;
  readonly input: string;
  readonly outputs: [string, string, string];
}

const { cases } = readVectors('hkdf-blake2s.json') as { cases: Case[] };

describe.each(CRYPTO_BACKENDS)('on $backend', (crypto) => {
  it.each(cases)('KDF of "$chainingKey" and "$input" matches $from', (vector) => {
    const [chainingKey, input] = [fromHex(vector.chainingKey), fromHex(vector.input)];
    expect(hkdf2(crypto, chainingKey, input).map(toHex)).toEqual(vector.outputs.slice(0, 2));
    expect(hkdf3(crypto, chainingKey, input).map(toHex)).toEqual(vector.outputs);
  });
});
