/** What has to be set before oclif's modules load: they read HOME and DEBUG. */
import { homedir, userInfo } from 'node:os';

export function settleEnvironment(): void {
  // A container can run us as a user id that no passwd file lists. If HOME and SHELL are unset too, Node
  // throws when oclif asks for them. `/` is what Docker takes; a folder that every user may write to,
  // such as /tmp, would let others plant a ~/.soracom there.
  if (isUnknown(homedir)) process.env.HOME = '/';
  if (process.env.SHELL === undefined && isUnknown(userInfo)) process.env.SHELL = '/bin/sh';

  // For DEBUG=* oclif and its dependencies print the arguments, and with them `--auth-key secret-...`.
  // arctun's own debug output is --log-level and SORACOM_VERBOSE.
  delete process.env.DEBUG;
}

function isUnknown(ask: () => unknown): boolean {
  try {
    ask();
    return false;
  } catch {
    return true;
  }
}
