/** The flags for the source of the configuration, and the flags that every command accepts. */
import { cannotUse } from '../../lib/errors/user-error.js';
import { DEFAULT_CONFIG } from '../../lib/text/config-name.js';
import * as Flags from './flag.js';

const PLACE = { helpValue: 'FILE', env: 'ARCTUN_CONFIG', helpGroup: 'GLOBAL' } as const;

export const configFlag = {
  config: Flags.text({
    ...PLACE,
    description:
      "Path of arc.json. ARCTUN_CONFIG can also hold the file's content, as JSON or in base64.",
    default: DEFAULT_CONFIG,
  }),
};

/** The `--config` flag of a command that accepts several configurations. */
export const configsFlag = {
  config: Flags.list({
    ...PLACE,
    description:
      "Path of arc.json, or of a folder with one such file for each SIM. Repeatable. ARCTUN_CONFIG can also hold the file's content, as JSON or in base64.",
    default: [DEFAULT_CONFIG],
  }),
};

/** Commands with a log define their own `--quiet`. */
export const globalFlags = {
  ...configFlag,
  quiet: Flags.boolean({
    char: 'q',
    description: 'Do not show progress.',
    env: 'ARCTUN_QUIET',
    helpGroup: 'GLOBAL',
  }),
};

/**
 * soratun's flag that reads the configuration from standard input, so that it is not stored on a
 * disk.
 */
export const stdinFlag = {
  'read-stdin': Flags.boolean({
    description: 'Read the configuration as JSON from standard input instead of --config.',
  }),
};

/**
 * Rejects `--config` together with another source of the configuration. ARCTUN_CONFIG is allowed,
 * because it applies to every command, and a flag overrides it.
 *
 * @param source the other source: `--read-stdin`, or an argument
 * @throws UserError of kind `usage`
 */
export function refuseSecondSource(
  source: string,
  tokens: readonly Flags.CommandLineToken[],
): void {
  const others = ['config', 'read-stdin'].filter((name) => source !== `--${name}`);
  const second = others.find((name) => Flags.isGiven(name, tokens));
  if (second === undefined) return;
  const why = 'both provide a configuration';
  throw cannotUse(`${source} with --${second}`, why, 'Remove one of them.');
}

/**
 * Rejects `--config` for a command that prints a configuration and does not write a file.
 *
 * @throws UserError of kind `usage`
 */
export function refuseOutputFile(tokens: readonly Flags.CommandLineToken[]): void {
  if (!Flags.isGiven('config', tokens)) return;
  throw cannotUse(
    '--config',
    'this command prints a template and does not write a file',
    'Redirect standard output, for example: arctun config init > arc.json',
  );
}
