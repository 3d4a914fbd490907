/** The flags for a spool. */
import type { SpoolSettings } from '../../app/spool/open-spool.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Log } from '../../ports/log.js';
import * as Flags from './flag.js';
import { hasInterface } from './tunnel-flags.js';

export const spoolFlag = Flags.grouped('Spool', {
  spool: Flags.text({
    description: 'Keep messages that cannot be sent in this folder, and send them later.',
    helpValue: 'FOLDER',
    env: 'ARCTUN_SPOOL',
  }),
});

export const spoolFlags = {
  ...spoolFlag,
  ...Flags.grouped('Spool', {
    'spool-messages': Flags.integer({
      description: 'Maximum number of messages in the spool.',
      helpValue: 'NUMBER',
      min: 1,
      // The folder is listed for each new message, which takes 0.2 s with 100,000 messages.
      max: 10_000,
      default: 1_000,
      env: 'ARCTUN_SPOOL_MESSAGES',
    }),
    'spool-size': Flags.integer({
      description: 'Maximum size of the spool in megabytes (1,000,000 bytes).',
      helpValue: 'MB',
      min: 1,
      max: 100_000,
      default: 50,
      env: 'ARCTUN_SPOOL_SIZE',
    }),
  }),
};

/** The argument that selects a message. */
export const messageIdArgument = {
  description: 'ID of the message, as "spool list" shows it.',
  ignoreStdin: true,
} as const;

const MEGABYTE = 1_000_000;

/** @returns undefined if no spool is requested */
export function spoolSettings(
  flags: Flags.FlagValues<typeof spoolFlags>,
): SpoolSettings | undefined {
  const { spool: folder = '', 'spool-messages': messages, 'spool-size': megabytes } = flags;
  if (folder === '') return undefined;
  return { folder, limits: { messages, bytes: megabytes * MEGABYTE } };
}

/** Warns of ARCTUN_SPOOL in a mode without a forwarder. The command line cannot contain the flag then. */
export function warnOfUnusedSpool(
  { mode, spool = '' }: { readonly mode: string; readonly spool?: string | undefined },
  log: Log,
): void {
  if (spool === '' || !hasInterface(mode)) return;
  log.warn(
    { mode },
    'ARCTUN_SPOOL has no effect here, because arctun has no forwarder in this mode; only "arctun send" uses the spool',
  );
}

/** @throws UserError of kind `usage` without a folder */
export function requiredSpool(flags: Flags.FlagValues<typeof spoolFlag>): SpoolSettings {
  const { spool: folder = '' } = flags;
  if (folder !== '') return { folder, limits: { messages: Infinity, bytes: Infinity } };
  throw new UserError('usage', {
    what: 'no spool',
    why: 'neither --spool nor ARCTUN_SPOOL names a folder',
    next: ['Pass the folder with --spool FOLDER.'],
  });
}
