import type { Flags } from './flag.js';

/** The `--config` flag, which every command accepts. */
export const configFlag = {
  config: {
    type: 'string',
    description: 'Path of arc.json. The variable also accepts its JSON or base64 text.',
    default: 'arc.json',
    helpValue: 'FILE',
    env: 'ARCTUN_CONFIG',
    helpGroup: 'GLOBAL',
  },
} as const satisfies Flags;
