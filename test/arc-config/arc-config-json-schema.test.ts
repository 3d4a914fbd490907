import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Ajv } from 'ajv';

import { arcConfigJsonSchema } from '../../src/arc-config/arc-config-json-schema.js';
import { skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { formatArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, sampleWithSession } from './sample.js';

const committed = readFileSync(new URL('../../schema/arc.schema.json', import.meta.url), 'utf8');

it('matches the file in the repository: run `npm run build && node tools/generate/write-schema.js', () => {
  const pretty = (value: unknown) => JSON.stringify(value, null, 2);
  expect(pretty(JSON.parse(committed))).toBe(pretty(arcConfigJsonSchema()));
});

it('describes every field', () => {
  const undescribed: string[] = [];
  const visit = (name: string, value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(
      (value as { properties?: object }).properties ?? {},
    )) {
      if (typeof (child as { description?: unknown }).description !== 'string') {
        undescribed.push(`${name}.${key}`);
      }
      visit(`${name}.${key}`, child);
    }
  };
  visit('', arcConfigJsonSchema());
  expect(undescribed).toEqual([]);
});

// The emulator's OpenAPI library includes a validator.
const requireHere = createRequire(import.meta.url);
const requireThere = createRequire(requireHere.resolve('openapi-backend'));
const { Ajv: Draft07 } = requireThere('ajv') as { Ajv: typeof Ajv };
const isValid = new Draft07({ strict: true }).compile(arcConfigJsonSchema());

it('meets the requirements of a schema catalogue: draft-07, an identifier, a title and valid examples', () => {
  const schema = arcConfigJsonSchema() as Record<string, unknown> & {
    properties: Record<string, { examples?: unknown[]; properties?: object }>;
  };
  expect(schema).toMatchObject({
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:arctun:arc.json',
    title: 'arc.json',
  });
  const members = Object.entries(schema.properties).flatMap(([name, member]) => [
    [name, member] as const,
    ...Object.entries((member.properties ?? {}) as typeof schema.properties),
  ]);
  const examples = members.flatMap(([name, { examples: given = [] }]) =>
    given.map((example) => [name, example] as const),
  );
  expect(examples.length).toBeGreaterThan(15);
  for (const [name, example] of examples) {
    const outer = ['profile', 'arcSessionStatus'].find(
      (object) => name in (schema.properties[object]!.properties ?? {}),
    );
    const text = JSON.stringify({ [name]: example });
    const file: unknown = JSON.parse(outer === undefined ? text : `{"${outer}":${text}}`);
    expect([isValid(file), name, isValid.errors]).toEqual([true, name, null]);
  }
});

it.each([
  ['the file that soratun writes', SAMPLE],
  ['the skeleton', formatArcConfig(skeletonArcConfig('linux'))],
  ['an empty object', '{}'],
  [
    'the file that soratun writes for an empty object',
    formatArcConfig(parseArcConfig('{}', { path: 'x' })),
  ],
  [
    'an empty session as it is written',
    formatArcConfig(parseArcConfig('{"arcSessionStatus": {}}', { path: 'x' })),
  ],
  ['unknown fields', sampleWith({ imsi: '440', $schema: 'x' })],
  [
    'a key with line breaks',
    sampleWith({ privateKey: `${PRIVATE_KEY.slice(0, 20)}\n${PRIVATE_KEY.slice(20)}` }),
  ],
  ['an IPv6 endpoint', sampleWithSession({ arcServerEndpoint: '[2001:db8::1]:11010' })],
])('accepts %s', (_, text) => {
  expect([isValid(JSON.parse(text)), isValid.errors]).toEqual([true, null]);
});

it.each([
  ['a key of 31 bytes', sampleWith({ privateKey: Buffer.alloc(31).toString('base64') + 'A' })],
  ['a URL-safe key', sampleWith({ publicKey: PRIVATE_KEY.replace('/', '_') })],
  ['a float', sampleWith({ mtu: 1420.5 })],
  ['an MTU out of range', sampleWith({ mtu: 70_000 })],
  ['text instead of a number', sampleWith({ logLevel: '2' })],
  ['a bare address among CIDRs', sampleWith({ additionalAllowedIPs: ['10.0.0.1'] })],
  ['a client address with a prefix', sampleWithSession({ arcClientPeerIpAddress: '10.0.0.2/32' })],
  ['an empty endpoint', sampleWithSession({ arcServerEndpoint: '' })],
  ['a command as text', sampleWith({ postUp: ['echo up'] })],
])('refuses %s', (_, text) => {
  expect(isValid(JSON.parse(text))).toBe(false);
});
