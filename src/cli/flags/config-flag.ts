import type { Flags } from './flag.js';

/** The `--config` flag, which every command accepts. */
export const configFlag = {
  config: {
    type: 'string',
    description:
      "Path of arc.json. ARCTUN_CONFIG can also hold the file's content, as JSON or in base64.",
    default: 'arc.json',
    helpValue: 'FILE',
    env: 'ARCTUN_CONFIG',
    helpGroup: 'GLOBAL',
  },
} as const satisfies Flags;

/** The `--config` flag of a command that accepts several configurations. */
export const configsFlag = {
  config: {
    ...configFlag.config,
    type: 'list',
    default: [configFlag.config.default],
    description:
      "Path of arc.json, or of a folder with one such file for each SIM. Repeatable. ARCTUN_CONFIG can also hold the file's content, as JSON or in base64.",
  },
} as const satisfies Flags;

/** The flags that every command accepts. Commands with a log define their own `--quiet`. */
export const globalFlags = {
  ...configFlag,
  quiet: {
    type: 'boolean',
    char: 'q',
    description: 'Do not show progress.',
    env: 'ARCTUN_QUIET',
    helpGroup: 'GLOBAL',
  },
} as const satisfies Flags;
