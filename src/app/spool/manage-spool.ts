/** Lists, shows, queues again and removes the messages of a spool. */
import { UserError } from '../../lib/errors/user-error.js';
import type { Spool } from '../../proxy/spool/spool.js';
import { acceptedAt, type SpoolEntry, type SpoolState } from '../../proxy/spool/spool-entry.js';
import { parseMessage, splitRequest } from '../../proxy/spool/spooled-message.js';
import { isoMilliseconds } from '../iso-time.js';
import { openSpool, type SpoolOpener, type SpoolSettings, usingSpool } from './open-spool.js';

/** A message without its content. */
export interface SpooledSummary {
  readonly id: string;
  readonly state: SpoolState;
  /** Why the message was set aside: `killed`, `lost`, `damaged` or an HTTP status. */
  readonly detail?: string;
  readonly accepted: string;
  readonly bytes: number;
}

/** The messages to change: one, or all. */
export type Selection = { readonly id: string } | 'all';

export async function listSpool(
  settings: SpoolSettings,
  opener: SpoolOpener,
): Promise<readonly SpooledSummary[]> {
  const { spool } = await openSpool(settings, opener, 'read');
  return (await usingSpool(settings.folder, () => spool.list())).map((entry) => summaryOf(entry));
}

/** Returns a message with its request. @throws UserError if it does not exist */
export async function showMessage(
  settings: SpoolSettings,
  id: string,
  opener: SpoolOpener,
): Promise<SpooledSummary & { readonly head: string; readonly body: Uint8Array }> {
  const { spool } = await openSpool(settings, opener, 'read');
  return usingSpool(settings.folder, async () => {
    const [entry] = await select(spool, { id });
    const content = entry && (await spool.read(entry));
    if (entry === undefined || content === undefined) throw missing(id);
    const message = parseMessage(content);
    const request = message === undefined ? content : message.request;
    return { ...summaryOf(entry), ...splitRequest(request) };
  });
}

/** Queues messages that were set aside. Returns them. @throws UserError if `id` cannot be queued */
export async function retryMessages(
  settings: SpoolSettings,
  selection: Selection,
  opener: SpoolOpener,
): Promise<readonly SpooledSummary[]> {
  return change(settings, selection, opener, async (spool, entry) => {
    if (entry.state !== 'unknown' && entry.state !== 'refused') return undefined;
    return spool.retry(entry);
  });
}

/** Removes messages. Returns them. @throws UserError if `id` cannot be removed */
export async function removeMessages(
  settings: SpoolSettings,
  selection: Selection,
  opener: SpoolOpener,
): Promise<readonly SpooledSummary[]> {
  return change(settings, selection, opener, async (spool, entry) =>
    (await spool.discard(entry)) ? entry : undefined,
  );
}

async function change(
  settings: SpoolSettings,
  selection: Selection,
  opener: SpoolOpener,
  action: (spool: Spool, entry: SpoolEntry) => Promise<SpoolEntry | undefined>,
): Promise<readonly SpooledSummary[]> {
  const { spool } = await openSpool(settings, opener, 'change');
  return usingSpool(settings.folder, async () => {
    const changed: SpooledSummary[] = [];
    for (const entry of await select(spool, selection)) {
      const next = await action(spool, entry);
      if (next !== undefined) changed.push(summaryOf(next));
      else if (selection !== 'all') throw unchanged(entry);
    }
    return changed;
  });
}

async function select(spool: Spool, selection: Selection): Promise<readonly SpoolEntry[]> {
  const entries = await spool.list();
  if (selection === 'all') return entries;
  const found = entries.filter(({ id }) => id === selection.id);
  if (found.length === 0) throw missing(selection.id);
  return found;
}

function summaryOf({ id, state, detail, bytes }: SpoolEntry): SpooledSummary {
  const accepted = isoMilliseconds(acceptedAt(id)) ?? '';
  return { id, state, ...(detail !== '' && { detail }), accepted, bytes };
}

function missing(id: string): UserError {
  return new UserError('failed', {
    what: `no message ${id}`,
    why: 'the spool does not contain it; it may have been delivered',
    next: ['List the messages with "arctun spool list".'],
  });
}

function unchanged({ id, state }: SpoolEntry): UserError {
  const reasons: Partial<Record<SpoolState, string>> = {
    queued: 'it is queued already',
    sending: 'it is being sent',
  };
  return new UserError('failed', {
    what: `cannot change the message ${id}`,
    why: reasons[state] ?? 'another process has changed it',
    next: ['List the messages with "arctun spool list".'],
  });
}
