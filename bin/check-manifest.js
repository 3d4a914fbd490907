/** Fails when oclif.manifest.json differs from what `npm run manifest` would write. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../oclif.manifest.json', import.meta.url);
const before = readFileSync(path, 'utf8');
execFileSync('npm', ['run', '--silent', 'manifest'], { stdio: 'ignore' });
const after = readFileSync(path, 'utf8');
writeFileSync(path, before);
if (before !== after) {
  console.error('oclif.manifest.json is out of date: run "npm run manifest" and commit it.');
  process.exitCode = 1;
}
