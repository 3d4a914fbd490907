#!/usr/bin/env node
// SIGUSR1 is for nothing here, from the first moment on.
import '../dist/src/platform/refuse-inspector.js';
import { homedir, userInfo } from 'node:os';

// A container may run us as a user id that no passwd file lists. Where HOME and SHELL are missing,
// too, Node throws when oclif asks for them. `/` is what Docker takes; a folder that all may write
// to, like /tmp, would let others plant a ~/.soracom there.
if (isUnknown(homedir)) process.env.HOME = '/';
if (process.env.SHELL === undefined && isUnknown(userInfo)) process.env.SHELL = '/bin/sh';

// oclif and what it imports print the arguments for DEBUG=*, and with them `--auth-key secret-...`.
// Our own words are in --log-level and SORACOM_VERBOSE.
delete process.env.DEBUG;

// Not at the top: HOME and DEBUG are read while the modules load.
const { flush, handle, run } = await import('@oclif/core');

// In front of oclif's own handler, which throws. A reader that has gone (`| head`) is no error, a
// full disk is one, in a sentence.
process.stdout.prependListener('error', ({ code, message }) => {
  if (code === 'EPIPE') return;
  process.stderr.write(`Error: cannot write to standard output: ${message}\n`);
  process.exit(1);
});

try {
  await run(process.argv.slice(2), import.meta.url);
  flush();
} catch (error) {
  // A command that is not known is quoted, and may be a key that was pasted.
  const { shownError } = await import('../dist/src/cli/oclif-error.js');
  await handle(shownError(error));
}

/** Whether the system knows nothing of the user who runs us. */
function isUnknown(ask) {
  try {
    ask();
    return false;
  } catch {
    return true;
  }
}
