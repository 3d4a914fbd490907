/** Sends the queued messages of a spool, the oldest first. */
import type { ProxyLog } from '../proxy-log.js';
import type { SendOutcome } from './send-request.js';
import type { Spool } from './spool.js';
import type { SpoolEntry } from './spool-entry.js';
import { parseMessage, type SpooledMessage } from './spooled-message.js';

/** The result of sending the queued messages. */
export interface DrainResult {
  readonly delivered: number;
  /** The messages that were set aside. */
  readonly setAside: readonly SpoolEntry[];
  /** Why sending stopped; undefined if no message is queued. */
  readonly waitsFor: string | undefined;
}

export interface DrainOptions {
  readonly spool: Spool;
  readonly send: (message: SpooledMessage) => Promise<SendOutcome>;
  /** Returns why no message may be sent now; undefined if it may. */
  readonly obstacle?: (() => string | undefined) | undefined;
  readonly log: ProxyLog;
}

/** Sends until the spool has no queued message, or until sending fails. @throws FileError */
export async function drainSpool({
  spool,
  send,
  obstacle,
  log,
}: DrainOptions): Promise<DrainResult> {
  let delivered = 0;
  const setAside: SpoolEntry[] = [];
  for (;;) {
    const next = (await spool.list()).find(({ state }) => state === 'queued');
    if (next === undefined) return { delivered, setAside, waitsFor: undefined };
    const waitsFor = obstacle?.();
    if (waitsFor !== undefined) return { delivered, setAside, waitsFor };
    const verdict = await sendNext(next, spool, send);
    if (verdict === 'gone') continue;
    if (verdict.state === 'delivered') {
      delivered++;
      log.info({ id: next.id, status: verdict.status }, 'sent a message from the spool');
      continue;
    }
    if (verdict.state !== 'queued') {
      const { state, detail, why } = verdict;
      const moved = await spool.setAside({ ...next, state: 'sending' }, state, detail);
      if (moved !== undefined) setAside.push(moved);
      log.warn({ id: next.id, reason: why }, `set a message aside as ${state}`);
      // One silent or broken target must not make all messages unknown.
      if (state === 'refused') continue;
    }
    return { delivered, setAside, waitsFor: verdict.why };
  }
}

async function sendNext(
  entry: SpoolEntry,
  spool: Spool,
  send: DrainOptions['send'],
): Promise<Verdict | 'gone'> {
  const content = await spool.read(entry);
  if (content === undefined) return 'gone';
  const sending = await spool.begin(entry);
  if (sending === undefined) return 'gone';
  const message = parseMessage(content);
  const verdict =
    message === undefined
      ? ({ state: 'refused', detail: 'damaged', why: 'the file is damaged' } as const)
      : judge(await send(message));
  if (verdict.state === 'delivered') await spool.finish(sending);
  if (verdict.state === 'queued') await spool.requeue(sending);
  return verdict;
}

export type Verdict =
  | { readonly state: 'delivered'; readonly status: number }
  | { readonly state: 'queued'; readonly why: string }
  | { readonly state: 'unknown' | 'refused'; readonly detail: string; readonly why: string };

/** 429 and 503 state that the server did not handle the request (RFC 6585 4, RFC 9110 15.6.4). */
const NOT_HANDLED = [429, 503];

/** Decides the next state of a message. */
export function judge(outcome: SendOutcome): Verdict {
  if (outcome.kind === 'unsent') return { state: 'queued', why: outcome.message };
  if (outcome.kind === 'lost') return { state: 'unknown', detail: 'lost', why: outcome.message };
  const { status } = outcome;
  const why = `the target responded with HTTP ${status}`;
  if (status >= 200 && status < 300) return { state: 'delivered', status };
  if (NOT_HANDLED.includes(status)) return { state: 'queued', why };
  // Other server errors do not reveal how far the server came.
  const state = status >= 500 || status < 200 ? 'unknown' : 'refused';
  return { state, detail: String(status), why };
}
