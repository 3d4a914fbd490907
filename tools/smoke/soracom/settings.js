/** Reads the flags of `npm run smoke soracom`. */
import { readFlags } from '../flags.js';
import { UsageError } from '../smoke-test.js';

export const USAGE = `Usage: npm run smoke soracom -- [FLAGS]

Tests arctun with a SORACOM account: creates a virtual SIM, which SORACOM bills, sends messages through its
tunnel, terminates the SIM, and writes a report without secrets.

  -y, --yes                Do not ask before the SIM is created.
      --group GROUP_ID     The group of the SIM, such as one that enables SORACOM Harvest Data.
      --idle-limit SECONDS How long to wait until SORACOM closes an idle connection (default 90),
                           from 1 to 1200.
  -h, --help               Show this help.

Credentials, as for "arctun bootstrap authkey" (the variables of that command also apply):
      --auth-key-id, --auth-key, --auth-key-file, --profile, --coverage-type, --endpoint
`;

/** The flags that are passed to each command that signs in. */
const CREDENTIALS = [
  'auth-key-id',
  'auth-key',
  'auth-key-file',
  'profile',
  'coverage-type',
  'endpoint',
];

/**
 * In seconds. A run waits up to twice as long, and other runs terminate its SIM after an hour (OLD in
 * sim-steps.js).
 */
const MOST_IDLE_LIMIT = 1_200;
const DEFAULT_IDLE_LIMIT = 90;

/**
 * @param {readonly string[]} words
 * @throws {UsageError}
 */
export function readSettings(words) {
  const { help, yes, values } = readFlags(words, ['group', 'idle-limit', ...CREDENTIALS]);
  const given = CREDENTIALS.filter((name) => values[name] !== undefined);
  if (values['auth-key-file'] === '-') {
    throw new UsageError('--auth-key-file must be a file, because it is read several times');
  }
  return {
    help,
    yes,
    group: values.group,
    idleLimit: seconds(values['idle-limit']),
    credentialFlags: given.flatMap((name) => [`--${name}`, String(values[name])]),
    /** The flags without the secret, to be shown. */
    shownFlags: given
      .filter((name) => name !== 'auth-key')
      .flatMap((name) => [`--${name}`, String(values[name])]),
    authKey: values['auth-key'],
  };
}

/** @typedef {ReturnType<typeof readSettings>} Settings */

/** @param {string | undefined} text */
function seconds(text) {
  if (text === undefined) return DEFAULT_IDLE_LIMIT;
  const value = Number(text);
  if (!(value >= 1 && value <= MOST_IDLE_LIMIT)) {
    throw new UsageError(`--idle-limit must be a number of seconds from 1 to ${MOST_IDLE_LIMIT}`);
  }
  return value;
}
