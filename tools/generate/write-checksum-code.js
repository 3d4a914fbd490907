/** Compiles src/wire/checksum.wat, and writes it to src/wire/checksum-code.ts: `npm run generate wasm`. */
import { readFileSync, writeFileSync } from 'node:fs';

import loadWabt from 'wabt';

const source = new URL('../../src/wire/checksum.wat', import.meta.url);
const wabt = await loadWabt();
const module = wabt.parseWat('checksum.wat', readFileSync(source, 'utf8'), { simd: true });
const { buffer } = module.toBinary({});
const lines = Buffer.from(buffer)
  .toString('base64')
  .match(/.{1,88}/g);
writeFileSync(
  new URL('checksum-code.ts', source),
  [
    '/** The compiled checksum.wat in base64, written by `npm run generate wasm`. */',
    'export const CHECKSUM_CODE =',
    lines.map((line) => `  '${line}'`).join(' +\n') + ';',
    '',
  ].join('\n'),
);
