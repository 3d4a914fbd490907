/** Sends the queued messages of a spool, the oldest first. A target that fails does not stop others. */
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
  /** Why messages wait; undefined if none waits. */
  readonly waitsFor: string | undefined;
}

/** Decides which targets get no messages for now, because sending to them has failed. */
export interface TargetPauses {
  /** @param target the target of a SpoolEntry */
  isPaused(target: string): boolean;
  failed(target: string, why: string): void;
  delivered(target: string): void;
}

/** Sends nothing more to a target that has failed. */
export class FailedTargets implements TargetPauses {
  readonly #reasons = new Map<string, string>();

  isPaused(target: string): boolean {
    return this.#reasons.has(target);
  }

  failed(target: string, why: string): void {
    this.#reasons.set(target, why);
  }

  delivered(): void {
    // A target that has failed gets no further messages.
  }

  /** Why the target has failed; undefined if it has not. */
  reasonFor(target: string): string | undefined {
    return this.#reasons.get(target);
  }
}

export interface DrainOptions {
  readonly spool: Spool;
  readonly send: (message: SpooledMessage) => Promise<SendOutcome>;
  /** Returns why no message may be sent now; undefined if it may. */
  readonly obstacle?: (() => string | undefined) | undefined;
  /** By default, FailedTargets. */
  readonly pauses?: TargetPauses;
  readonly log: ProxyLog;
}

/**
 * How many messages are sent before the folder is listed again, so that the time for many messages
 * does not grow with the square of their number. Another process may have queued older ones again.
 */
const BATCH = 100;

/** Sends until the messages that are still queued are for targets that pause. @throws FileError */
export async function drainSpool({
  spool,
  send,
  obstacle,
  pauses = new FailedTargets(),
  log,
}: DrainOptions): Promise<DrainResult> {
  let delivered = 0;
  let failure: string | undefined;
  const setAside: SpoolEntry[] = [];
  const queue = new DrainQueue(spool, pauses);
  for (;;) {
    const next = await queue.next();
    if (next === undefined) {
      if (queue.hasWaiting) failure ??= 'the last attempt has failed';
      return { delivered, setAside, waitsFor: failure };
    }
    const waitsFor = obstacle?.();
    if (waitsFor !== undefined) return { delivered, setAside, waitsFor };
    const verdict = await sendNext(next, spool, send);
    if (verdict === 'gone') continue;
    if (verdict.state === 'delivered') {
      delivered++;
      pauses.delivered(next.target);
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
    // A message that is queued again must not be overtaken when the pause of its target ends.
    queue.refresh();
    pauses.failed(next.target, verdict.why);
    failure ??= verdict.why;
  }
}

/** The queued messages, the oldest first. */
class DrainQueue {
  readonly #spool: Spool;
  readonly #pauses: TargetPauses;
  #queued: SpoolEntry[] = [];
  /** How many of them may be taken before the folder is listed again. */
  #left = 0;

  constructor(spool: Spool, pauses: TargetPauses) {
    this.#spool = spool;
    this.#pauses = pauses;
  }

  /** Whether messages wait, although next() has returned undefined. */
  get hasWaiting(): boolean {
    return this.#queued.length > 0;
  }

  /** Returns the oldest message for a target that does not pause; undefined if none exists. */
  async next(): Promise<SpoolEntry | undefined> {
    const known = this.#left > 0 ? this.#take() : undefined;
    if (known !== undefined) return known;
    this.#queued = (await this.#spool.list()).filter(({ state }) => state === 'queued');
    this.#left = BATCH;
    return this.#take();
  }

  /** Lists the folder again before the next message. */
  refresh(): void {
    this.#left = 0;
  }

  #take(): SpoolEntry | undefined {
    const index = this.#queued.findIndex(({ target }) => !this.#pauses.isPaused(target));
    if (index < 0) return undefined;
    this.#left--;
    return this.#queued.splice(index, 1)[0];
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
