/**
 * Writes docs/explanation/wireguard-conformance.md and docs/explanation/tcp-conformance.md from the
 * tests' titles: `npm run conformance`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { conformanceDocument } from './conformance-page.js';
import { problemsOf, readConformance } from './conformance.js';
import { readTcpConformance, tcpConformanceDocument, tcpProblemsOf } from './tcp-conformance.js';

const root = join(import.meta.dirname, '../..');
const wireGuard = readConformance(root);
const tcp = readTcpConformance(root);
for (const problem of [...problemsOf(wireGuard), ...tcpProblemsOf(tcp)]) {
  console.error(problem);
  process.exitCode = 1;
}
await write('docs/explanation/wireguard-conformance.md', conformanceDocument(wireGuard));
await write('docs/explanation/tcp-conformance.md', tcpConformanceDocument(tcp));

async function write(name, text) {
  const path = join(root, name);
  const options = { ...(await resolveConfig(path)), parser: 'markdown' };
  writeFileSync(path, await format(text, options));
}
