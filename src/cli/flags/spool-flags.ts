/** The flags for a spool. */
import type { SpoolSettings } from '../../app/spool/open-spool.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type FlagValues, grouped } from './flag.js';

export const spoolFlag = grouped('Spool', {
  spool: {
    type: 'string',
    description: 'Keep messages that cannot be sent in this folder, and send them later.',
    helpValue: 'FOLDER',
    env: 'ARCTUN_SPOOL',
  },
});

export const spoolFlags = {
  ...spoolFlag,
  ...grouped('Spool', {
    'spool-messages': {
      type: 'integer',
      description: 'Most messages to keep in the spool.',
      helpValue: 'NUMBER',
      min: 1,
      max: 100_000,
      default: 1_000,
      env: 'ARCTUN_SPOOL_MESSAGES',
    },
    'spool-size': {
      type: 'integer',
      description: 'Most megabytes (1,000,000 bytes) of messages to keep in the spool.',
      helpValue: 'MB',
      min: 1,
      max: 100_000,
      default: 50,
      env: 'ARCTUN_SPOOL_SIZE',
    },
  }),
};

/** The argument that selects a message. */
export const messageIdArgument = {
  description: 'ID of the message, as "spool list" shows it.',
  ignoreStdin: true,
} as const;

const MEGABYTE = 1_000_000;

/** @returns undefined if no spool is requested */
export function spoolSettings(flags: FlagValues<typeof spoolFlags>): SpoolSettings | undefined {
  const { spool: folder = '', 'spool-messages': messages, 'spool-size': megabytes } = flags;
  if (folder === '') return undefined;
  return { folder, limits: { messages, bytes: megabytes * MEGABYTE } };
}

/** @throws UserError of kind `usage` without a folder */
export function requiredSpool(flags: FlagValues<typeof spoolFlag>): SpoolSettings {
  const { spool: folder = '' } = flags;
  if (folder !== '') return { folder, limits: { messages: Infinity, bytes: Infinity } };
  throw new UserError('usage', {
    what: 'no spool',
    why: 'neither --spool nor ARCTUN_SPOOL names a folder',
    next: ['Pass the folder with --spool FOLDER.'],
  });
}
