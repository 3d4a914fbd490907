/**
 * Sorts the commands and topics in oclif.manifest.json. oclif writes them in the order in which the
 * file system lists folders, which differs between machines.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../../oclif.manifest.json', import.meta.url);
const manifest = JSON.parse(readFileSync(path, 'utf8'));
for (const part of ['commands', 'topics']) {
  if (manifest[part] === undefined) continue;
  const sorted = Object.entries(manifest[part]).sort(([left], [right]) => (left < right ? -1 : 1));
  manifest[part] = Object.fromEntries(sorted);
}
writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
