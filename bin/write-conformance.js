/** Writes docs/wireguard-conformance.md from the titles of the tests: `npm run conformance`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { conformanceDocument, problemsOf, readConformance } from './conformance.js';

const root = join(import.meta.dirname, '..');
const conformance = readConformance(root);
for (const problem of problemsOf(conformance)) {
  console.error(problem);
  process.exitCode = 1;
}
const path = join(root, 'docs/wireguard-conformance.md');
const options = { ...(await resolveConfig(path)), parser: 'markdown' };
writeFileSync(path, await format(conformanceDocument(conformance), options));
