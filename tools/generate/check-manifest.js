/** Fails if oclif.manifest.json differs from what `npm run manifest` would write. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../../oclif.manifest.json', import.meta.url);
const before = readFileSync(path, 'utf8');
try {
  // Set SHELL: without it, oclif asks the system for the user's shell, which throws for a user ID
  // that the passwd file does not contain, as in a container or a CI job.
  execFileSync('npm', ['run', '--silent', 'manifest'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { SHELL: '/bin/sh', ...process.env },
  });
  if (before !== readFileSync(path, 'utf8')) {
    console.error('oclif.manifest.json is out of date: run "npm run manifest" and commit it.');
    process.exitCode = 1;
  }
} finally {
  writeFileSync(path, before);
}
