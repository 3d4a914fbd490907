import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Ajv } from 'ajv';

import { arcConfigJsonSchema } from '../../src/arc-config/arc-config-json-schema.js';

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
