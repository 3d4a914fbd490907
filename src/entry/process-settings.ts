/** Changes environment variables that oclif's modules read while they load, such as HOME. */
import { homedir, userInfo } from 'node:os';

export function settleEnvironment(): void {
  // A container may run with a user ID that the passwd file does not contain. If HOME and SHELL are
  // also unset, Node throws when oclif reads them. HOME becomes `/`, as in Docker: in a folder that
  // every user can write to, such as /tmp, other users could create a ~/.soracom.
  if (isUnknown(homedir)) process.env.HOME = '/';
  if (process.env.SHELL === undefined && isUnknown(userInfo)) process.env.SHELL = '/bin/sh';

  // With DEBUG=*, oclif and its dependencies print the arguments, including `--auth-key
  // secret-...`. To get debug output from arctun, use --log-level and SORACOM_VERBOSE.
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
