/** The entry of the npm package's command, which `bin/run.js` starts. */
// First of all: nothing here listens to SIGUSR1.
import '../platform/refuse-inspector.js';
import { homedir, userInfo } from 'node:os';

// A container can run us as a user id that no passwd file lists. If HOME and SHELL are unset too, Node
// throws when oclif asks for them. `/` is what Docker takes; a folder that every user may write to,
// such as /tmp, would let others plant a ~/.soracom there.
if (isUnknown(homedir)) process.env.HOME = '/';
if (process.env.SHELL === undefined && isUnknown(userInfo)) process.env.SHELL = '/bin/sh';

// For DEBUG=* oclif and its dependencies print the arguments, and with them `--auth-key secret-...`.
// arctun's own debug output is --log-level and SORACOM_VERBOSE.
delete process.env.DEBUG;

// Not a static import: oclif reads HOME and DEBUG while its modules load.
void import('./command-line.js').then(({ runCommandLine }) =>
  runCommandLine(process.argv.slice(2)),
);

function isUnknown(ask: () => unknown): boolean {
  try {
    ask();
    return false;
  } catch {
    return true;
  }
}
