/** Files that a user or a disk has damaged: each gives a clear error or a model. */
import fc from 'fast-check';

import { ArcConfigError } from '../../src/arc-config/arc-config-error.js';
import { type ArcConfig, skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { formatArcConfig, redactArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig, readTunnelConfig } from '../../src/arc-config/parse-arc-config.js';
import type { Secret } from '../../src/lib/secrets/secret.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, sampleWithSession } from './sample.js';

const SOURCE = { path: 'arc.json' };
const RUNS = 3_000;
const SEED = 20260413;

type Mutation = (text: string) => string;

const BASES = [
  SAMPLE,
  formatArcConfig(skeletonArcConfig('linux')),
  sampleWith({ imsi: 4.4e21, note: { a: [1, { b: null }] }, profile: { x: 1 } }),
  sampleWithSession({ vpgId: 'x', arcClientPeerPrivateKey: PRIVATE_KEY }),
];

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const truncation: fc.Arbitrary<Mutation> = position.map(
  (at) => (text) => text.slice(0, Math.floor(at * text.length)),
);

const FRAGMENTS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '//',
  '\ufeff',
  '\u0000',
  '\n',
  'null',
  '-',
  '1e999',
  '"mtu":1,',
  '"MTU":null,',
  '"\u017fimId":"x",',
  '"__proto__":{},',
  '🙂',
];
const insertion: fc.Arbitrary<Mutation> = fc
  .tuple(position, fc.constantFrom(...FRAGMENTS))
  .map(([at, fragment]) => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + fragment + text.slice(index);
  });

const VALUES = [
  'null',
  'true',
  '""',
  '0',
  '-0',
  '-1',
  '1420.0',
  '1e3',
  '9007199254740993',
  '1' + '0'.repeat(400),
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '[[null]]',
  '[""]',
  '"\\ud83d\\ude42"',
  '"\\udc00"',
  '"%i"',
  `"${PRIVATE_KEY}"`,
  '"10.0.0.1"',
  '"::ffff:10.0.0.1"',
  '"::ffff:10.0.0.0/104"',
  '"10.1.2.3/08"',
  '"h:+80"',
  '"[::1]"',
  '"é:1"',
  '['.repeat(99) + ']'.repeat(99),
  '['.repeat(5000),
  '{"a":'.repeat(60) + '1' + '}'.repeat(60),
];

/** Replaces the value of a field, or an item; by its index among all values. */
const swap: fc.Arbitrary<Mutation> = fc
  .tuple(position, fc.oneof(fc.constantFrom(...VALUES), fc.json()))
  .map(([at, value]) => (text) => {
    const values = [
      ...text.matchAll(/(?<=[:[,]\s*)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+]*|true|false|null)/g),
    ];
    const match = values[Math.floor(at * values.length)];
    if (match === undefined) return text;
    return text.slice(0, match.index) + value + text.slice(match.index + match[0].length);
  });

const mutated = fc
  .tuple(
    fc.constantFrom(...BASES),
    fc.array(fc.oneof(swap, insertion, truncation), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([base, mutations]) => mutations.reduce((text, mutate) => mutate(text), base));

/** Every value of a model, without offsets. */
function valuesOf(config: ArcConfig): string {
  return JSON.stringify(config, (name, value: unknown) => {
    if (name === 'offset') return undefined;
    return value;
  }).concat(exposed(config.privateKey), exposed(config.profile?.authKey));
}

function exposed(secret: Secret<Uint8Array | string> | undefined): string {
  const value = secret?.expose();
  return JSON.stringify(typeof value === 'string' ? value : Array.from(value ?? []));
}

function checkError(error: unknown): void {
  if (!(error instanceof ArcConfigError)) throw error;
  const { message, faults } = error;
  if (faults.length === 0) throw new Error('an error without a fault');
  for (const { line: at, found, expected } of faults) {
    if (at < 0 || found === '' || expected === '') throw new Error(`an empty fault: ${message}`);
  }
  if (message.includes(PRIVATE_KEY) || message.includes('secret-abcdefgh')) {
    throw new Error(`a secret is shown: ${message}`);
  }
}

it('yields an error with position and cause, or a model that survives writing and reading', () => {
  fc.assert(
    fc.property(mutated, (text) => {
      let config: ArcConfig;
      try {
        config = parseArcConfig(text, SOURCE);
      } catch (error) {
        checkError(error);
        return;
      }
      const written = formatArcConfig(config);
      const again = parseArcConfig(written, SOURCE);
      if (valuesOf(again) !== valuesOf(config)) throw new Error(`another model: ${written}`);
      if (formatArcConfig(again) !== written) throw new Error(`another text: ${written}`);
      redactArcConfig(config);
      try {
        readTunnelConfig(text, SOURCE);
      } catch (error) {
        checkError(error);
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 60_000);
