/** Runs krypton-cli, which authenticates with a SIM in a reader or a modem and calls Krypton. */
import {
  CommandError,
  type CommandFailure,
  type CommandResult,
  type CommandRunner,
} from '../../ports/command-runner.js';
import { REDACTED, Secret } from '../../lib/secrets/secret.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import { KEY_MAY_BE_REPLACED } from './krypton.js';
import { withoutControls } from '../redact.js';

/** The options of krypton-cli, in the same order as soratun. */
const VALUES = [
  'signature-algorithm',
  'interface',
  'baud-rate',
  'data-bits',
  'stop-bits',
  'parity-mode',
] as const;
/** Options that are passed only if they are not empty; if one is empty, krypton-cli uses its default. */
const TEXTS = [
  'provisioning-api-endpoint-url',
  'params',
  'keys-api-endpoint-url',
  'port-name',
] as const;
const SWITCHES = ['disable-key-cache', 'clear-key-cache', 'debug'] as const;

export type KryptonCliOptions = Readonly<
  Record<(typeof VALUES)[number], string | number> &
    Record<(typeof TEXTS)[number], string> &
    Record<(typeof SWITCHES)[number], boolean> & { path: string }
>;

/**
 * The timeout in milliseconds. It is long because a modem may be slow and its SIM needs two round
 * trips.
 */
const TIMEOUT = 120_000;

export function kryptonCliArguments(options: KryptonCliOptions): string[] {
  return [
    ...['-operation', 'bootstrapArc'],
    ...VALUES.flatMap((name) => [`-${name}`, String(options[name])]),
    ...TEXTS.flatMap((name) => (options[name] === '' ? [] : [`-${name}`, options[name]])),
    ...SWITCHES.flatMap((name) => (options[name] ? [`-${name}`] : [])),
  ];
}

/**
 * Runs krypton-cli. After the program has started, only the timeout ends it, because its output
 * contains the only copy of a new key.
 *
 * @returns the output, which contains a private key
 * @throws UserError of kind `configuration` if the program does not exist, `permission` if it is
 * not executable, `failed` if it exits with an error or times out
 */
export async function runKryptonCli(
  options: KryptonCliOptions,
  commands: CommandRunner,
): Promise<Secret<string>> {
  const command = [options.path, ...kryptonCliArguments(options)];
  let result: CommandResult;
  try {
    result = await commands.run(command, { timeout: TIMEOUT });
  } catch (error) {
    throw error instanceof CommandError ? startError(options.path, error) : error;
  }
  if (result.exitCode !== 0) throw endError(options.path, result);
  return new Secret(result.stdout);
}

/** @throws UserError of kind `configuration` or `permission` if the program cannot be started */
export async function requireKryptonCli(path: string, commands: CommandRunner): Promise<void> {
  const error = await commands.check?.(path);
  if (error !== undefined) throw startError(path, error);
}

const KINDS: Readonly<Partial<Record<CommandFailure, FailureKind>>> = {
  'not-found': 'configuration',
  denied: 'permission',
};

function startError(path: string, error: CommandError): UserError {
  const { failure, message: why } = error;
  const next = {
    'not-found': [
      'Install krypton-cli (https://github.com/soracom/krypton-client-go), or set its path with --krypton-cli-path.',
    ],
    denied: [
      `Make the program executable (chmod +x ${path}), or choose another program with --krypton-cli-path.`,
    ],
    timeout: [
      'Check that the reader or modem is connected, and check --interface and --port-name.',
      KEY_MAY_BE_REPLACED,
    ],
    'too-much-output': [`Check that ${path} is krypton-cli.`, KEY_MAY_BE_REPLACED],
    failed: [`Check that ${path} is krypton-cli and is built for this machine.`],
  }[failure];
  const kind = KINDS[failure] ?? 'failed';
  return new UserError(kind, { what: 'cannot run krypton-cli', why, next, cause: error });
}

function endError(path: string, { exitCode, stderr }: CommandResult): UserError {
  const end =
    exitCode === undefined ? 'was terminated by a signal' : `exited with status ${exitCode}`;
  const said = shownErrors(stderr);
  return new UserError('failed', {
    what: 'cannot bootstrap with the SIM',
    why: `${path} ${end}${said === '' ? ' without output' : `:${said}`}`,
    next: ['Set SORACOM_VERBOSE=1 to get more output from krypton-cli.', KEY_MAY_BE_REPLACED],
  });
}

/** The number of lines to show from the end of long output, where the reason usually is. */
const SHOWN_LINES = 20;
const SHOWN_LENGTH = 300;

/** Matches 16 bytes in base64 or hex, such as keys and SIM responses in `-debug` output. */
const SIXTEEN_BYTES = /[A-Za-z0-9+/]{22}==|\b[0-9a-f]{32}\b/gi;

/** Formats the program's error output as indented lines. */
function shownErrors(stderr: string): string {
  const shown = redactText(withoutControls(stderr)).replaceAll(SIXTEEN_BYTES, REDACTED);
  return shown
    .split('\n')
    .map((line) => line.trimEnd().slice(0, SHOWN_LENGTH))
    .filter((line) => line !== '')
    .slice(-SHOWN_LINES)
    .map((line) => `\n    ${line}`)
    .join('');
}
