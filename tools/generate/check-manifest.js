/** Fails when oclif.manifest.json differs from what `npm run manifest` would write. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../../oclif.manifest.json', import.meta.url);
const before = readFileSync(path, 'utf8');
try {
  // oclif asks the system for the user's shell where SHELL is not set, and throws for a user id that
  // no passwd file lists, as a container or a CI job may have.
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
