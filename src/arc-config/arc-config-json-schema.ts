import * as z from 'zod/mini';
import { arcConfigModel } from './arc-config-schema.js';

const LINK = {
  description: 'Path or URL of this schema, for editors. arctun and soratun ignore it.',
  type: 'string',
};

/** The JSON Schema (draft-07) of arc.json, which is the content of `schema/arc.schema.json`. */
export function arcConfigJsonSchema(): object {
  const { $schema, properties, ...rest } = z.toJSONSchema(arcConfigModel, {
    io: 'input',
    target: 'draft-07',
    override: ({ zodSchema, jsonSchema }) => {
      // Add the examples, because zod omits them for values that are transformed.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples;
      if (jsonSchema.minimum !== Number.MIN_SAFE_INTEGER) return;
      delete jsonSchema.minimum;
      delete jsonSchema.maximum;
    },
  });
  return {
    $schema,
    $id: 'urn:arctun:arc.json',
    title: 'arc.json',
    ...rest,
    properties: { $schema: LINK, ...properties },
  };
}
