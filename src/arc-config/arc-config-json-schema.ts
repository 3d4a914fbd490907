import * as z from 'zod/mini';
import { arcConfigModel } from './arc-config-schema.js';

/** The JSON Schema (draft 2020-12) of arc.json: what stands in `schema/arc.schema.json`. */
export function arcConfigJsonSchema(): object {
  const schema = z.toJSONSchema(arcConfigModel, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'arc.json' };
}
