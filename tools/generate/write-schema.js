/** Writes schema/arc.schema.json from arc.json's model, after `npm run build`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { arcConfigJsonSchema } from '../../dist/src/arc-config/arc-config-json-schema.js';

const path = fileURLToPath(new URL('../../schema/arc.schema.json', import.meta.url));
mkdirSync(new URL('../../schema/', import.meta.url), { recursive: true });
const options = { ...(await resolveConfig(path)), parser: 'json' };
writeFileSync(path, await format(JSON.stringify(arcConfigJsonSchema()), options));
