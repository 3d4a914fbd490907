/** Defines the flags of the `spool` commands, and runs them. */
import {
  listSpool,
  removeMessages,
  retryMessages,
  type Selection,
  showMessage,
  type SpooledSummary,
} from '../../../app/spool/manage-spool.js';
import type { SpoolOpener } from '../../../app/spool/open-spool.js';
import { sendQueued } from '../../../app/spool/send-queued.js';
import { UserError } from '../../../lib/errors/user-error.js';
import type { SpoolEntry } from '../../../proxy/spool/spool-entry.js';
import { EXIT_CODES } from '../../errors/exit-codes.js';
import { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import * as Flags from '../../flags/flag.js';
import { logFlags } from '../../flags/log-flags.js';
import { requiredSpool, spoolFlag } from '../../flags/spool-flags.js';
import type { Output } from '../../output/output.js';
import { renderJson, textMember } from '../../output/render.js';
import { drainText, messageText, spoolTable } from '../../output/spool-text.js';
import type { SystemContext } from '../../system-context.js';
import { type AccessContext, prepareAccess } from '../access/prepare-access.js';
import { answerTimeout } from './message.js';

const json = Flags.boolean({ description: 'Print the result as JSON.' });

const folder = { spool: Flags.withHelp(spoolFlag.spool, { description: 'Folder of the spool.' }) };

export const spoolListFlags = { ...folder, json };

export const spoolShowFlags = spoolListFlags;

export const spoolRetryFlags = {
  ...folder,
  all: Flags.boolean({ description: 'Requeue all messages that were set aside.' }),
  json,
};

export const spoolRemoveFlags = {
  ...folder,
  all: Flags.boolean({ description: 'Remove all messages, except one that is being sent.' }),
  json,
};

export const spoolSendFlags = {
  ...folder,
  ...accessFlags,
  ...logFlags('warn'),
  json,
};

type SpoolContext = Pick<
  SystemContext,
  'openSpoolFolder' | 'entropy' | 'now' | 'printer' | 'terminalColumns'
>;

/** @throws UserError */
export async function runSpoolList(
  flags: Flags.FlagValues<typeof spoolListFlags>,
  context: SpoolContext,
  output: Output,
): Promise<void> {
  const messages = await listSpool(requiredSpool(flags), await openerOf(context));
  if (flags.json) output.write(renderJson(messages));
  else if (messages.length === 0) output.note('The spool is empty.');
  else output.write(spoolTable(messages));
}

/** @throws UserError */
export async function runSpoolShow(
  flags: Flags.FlagValues<typeof spoolShowFlags>,
  id: string,
  context: SpoolContext,
  output: Output,
): Promise<void> {
  const { body, ...message } = await showMessage(requiredSpool(flags), id, await openerOf(context));
  if (flags.json) output.write(renderJson({ ...message, ...textMember('body', body) }));
  else output.write(messageText(message.head, body));
}

/** @throws UserError */
export async function runSpoolRetry(
  flags: Flags.FlagValues<typeof spoolRetryFlags>,
  id: string | undefined,
  context: SpoolContext,
  output: Output,
): Promise<void> {
  const selection = selected(id, flags.all);
  const queued = await retryMessages(requiredSpool(flags), selection, await openerOf(context));
  showChanged(queued, 'Queued', flags.json, output);
}

/** @throws UserError */
export async function runSpoolRemove(
  flags: Flags.FlagValues<typeof spoolRemoveFlags>,
  id: string | undefined,
  context: SpoolContext,
  output: Output,
): Promise<void> {
  const selection = selected(id, flags.all);
  const removed = await removeMessages(requiredSpool(flags), selection, await openerOf(context));
  showChanged(removed, 'Removed', flags.json, output);
}

/**
 * @returns the exit code
 * @throws UserError
 */
export async function runSpoolSend(
  flags: Flags.FlagValues<typeof configFlag & typeof spoolSendFlags>,
  context: AccessContext,
  output: Output,
): Promise<number> {
  const { options, ports } = await prepareAccess(flags, context, 'warn');
  const spool = requiredSpool(flags);
  const timeout = answerTimeout('http', undefined);
  const openFolder = (path: string) => context.openSpoolFolder(path);
  const result = await sendQueued({ ...options, spool, timeout }, { ...ports, openFolder });
  if (flags.json) output.write(renderJson({ ...result, setAside: result.setAside.map(shown) }));
  else output.write(drainText(result));
  const isDone = result.waitsFor === undefined && result.setAside.length === 0;
  return isDone ? 0 : EXIT_CODES.failed;
}

/** The target's hash would be of no use to a user. */
function shown({ id, bytes, state, detail }: SpoolEntry) {
  return { id, bytes, state, detail };
}

async function openerOf(context: SpoolContext): Promise<SpoolOpener> {
  return {
    openFolder: (path, access) => context.openSpoolFolder(path, access),
    wallClock: { unixMilliseconds: () => context.now() },
    entropy: await context.entropy(),
  };
}

/** @throws UserError of kind `usage` unless exactly one is given */
function selected(id: string | undefined, isAll: boolean): Selection {
  if (id !== undefined && !isAll) return { id };
  if (id === undefined && isAll) return 'all';
  throw new UserError('usage', {
    what: 'cannot select messages',
    why: isAll ? 'both ID and --all were given' : 'neither ID nor --all was given',
    next: ['Pass the ID of one message, or --all.'],
  });
}

function showChanged(
  messages: readonly SpooledSummary[],
  verb: string,
  isJson: boolean,
  output: Output,
): void {
  if (isJson) output.write(renderJson(messages));
  else output.write(messages.map(({ id }) => `${verb} ${id}\n`).join(''));
  if (!isJson && messages.length === 0) output.note('No message was changed.');
}
