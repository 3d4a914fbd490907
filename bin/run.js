#!/usr/bin/env node
import { execute } from '@oclif/core';

// In front of oclif's own handler, which throws. A reader that has gone (`| head`) is no error, a
// full disk is one, in a sentence.
process.stdout.prependListener('error', ({ code, message }) => {
  if (code === 'EPIPE') return;
  process.stderr.write(`Error: cannot write to standard output: ${message}\n`);
  process.exit(1);
});

await execute({ dir: import.meta.url });
