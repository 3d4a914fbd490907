/** Sends the queued messages of a spool, and one new message, which is kept if it cannot be sent. */
import { abortReason, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Dialer, type DialTarget, failedDial, isFutile } from '../../proxy/dialer.js';
import { KeptConnections } from '../../proxy/http/target/kept-connections.js';
import type { HttpMessage } from '../../proxy/http-exchange.js';
import { drainSpool, type DrainResult, FailedTargets } from '../../proxy/spool/drain-spool.js';
import { passMessage, type PassResult } from '../../proxy/spool/pass-message.js';
import { sendRequest } from '../../proxy/spool/send-request.js';
import { type Spool, SpoolFullError } from '../../proxy/spool/spool.js';
import { formatMessage, requestBytes, targetHash } from '../../proxy/spool/spooled-message.js';
import type { Log } from '../../ports/log.js';
import { usingSpool } from './open-spool.js';

/** A message that was kept instead of being sent. */
export interface KeptMessage {
  readonly via: 'spool';
  readonly id: string;
  /** Why the message could not be sent. */
  readonly why: string;
}

export interface SpooledSend<Answer> {
  readonly spool: Spool;
  /** The spool's folder, for error messages. */
  readonly path: string;
  readonly target: DialTarget;
  readonly message: HttpMessage;
  /** Sends the message once through the dialer. */
  readonly exchange: (dialer: Dialer) => Promise<Answer>;
  /** Converts an error of exchange(). */
  readonly explain: (error: unknown) => unknown;
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  readonly log: Log;
}

/** Keeps the message without sending it. @throws UserError if the spool is full or unusable */
export async function keepMessage<Answer>(
  send: SpooledSend<Answer>,
  why: string,
): Promise<KeptMessage> {
  const { id } = await keeping(send.path, () => send.spool.keep(contentOf(send)));
  return { via: 'spool', id, why };
}

/**
 * Sends older messages first. The message is kept if one for the same target cannot be sent.
 *
 * @throws the error of exchange() if the message may have arrived, or if waiting would not help
 */
export async function sendSpooled<Answer>(
  send: SpooledSend<Answer>,
  dialer: Dialer,
): Promise<Answer | KeptMessage> {
  const pauses = new FailedTargets();
  await drainThrough(dialer, { ...send, pauses });
  const waitsFor = whyStopped(send.signal) ?? pauses.reasonFor(targetHash(send.target));
  if (waitsFor !== undefined) return keepMessage(send, waitsFor);
  let answer: { readonly value: Answer } | undefined;
  let failure: unknown;
  const watched = watchedDialer(dialer);
  const result = await keeping(send.path, () =>
    passMessage(send.spool, contentOf(send), async () => {
      try {
        answer = { value: await send.exchange(watched.dialer) };
        return { kind: 'answered', status: 0 };
      } catch (error) {
        failure = error;
        const message = messageOf(error);
        if (watched.hasDialed()) return { kind: 'lost', message };
        return { kind: 'unsent', message, isFutile: isFutile(failedDial(error).reason) };
      }
    }),
  );
  if (result.state === 'kept') return { via: 'spool', id: result.entry.id, why: result.why };
  logOutcome(result, send.log);
  if (answer !== undefined) return answer.value;
  throw send.explain(failure);
}

/** Logs what the spool contains, unless it is as the user expects. */
function logOutcome(result: Exclude<PassResult, { readonly state: 'kept' }>, log: Log): void {
  const { state, unsaved } = result;
  if (unsaved !== undefined) {
    const text = 'cannot save the outcome of the message; the spool will list it as unknown';
    log.warn({ reason: unsaved }, text);
  } else if (state === 'lost') {
    const { entry } = result;
    if (entry) log.warn({ id: entry.id }, 'the spool keeps the message as unknown');
    else log.warn({}, 'the spool has no room to keep the message as unknown');
  }
}

/** Sends queued messages of a spool until none is left, or the signal aborts. @throws UserError */
export async function drainThrough(
  dialer: Dialer,
  {
    spool,
    path,
    timeout,
    signal,
    log,
    pauses,
  }: Pick<SpooledSend<unknown>, 'spool' | 'path' | 'timeout' | 'signal' | 'log'> & {
    readonly pauses?: FailedTargets;
  },
): Promise<DrainResult> {
  const kept = new KeptConnections({ resends: true });
  const limits = { dialer, kept, timeout, ...(signal && { signal }) };
  try {
    return await usingSpool(path, () =>
      drainSpool({
        ...{ spool, log, ...(pauses && { pauses }) },
        obstacle: () => whyStopped(signal),
        send: (message) => sendRequest(message, limits),
      }),
    );
  } finally {
    kept.close();
  }
}

function whyStopped(signal: AbortSignal | undefined): string | undefined {
  return signal?.aborted === true ? abortReason(signal).message : undefined;
}

/** Until a dial has succeeded, nothing of the message can have been sent. */
function watchedDialer(dialer: Dialer): { dialer: Dialer; hasDialed: () => boolean } {
  let hasDialed = false;
  return {
    hasDialed: () => hasDialed,
    dialer: {
      dial: async (target, signal) => {
        const stream = await dialer.dial(target, signal);
        hasDialed = true;
        return stream;
      },
    },
  };
}

function contentOf({ message, target }: Pick<SpooledSend<unknown>, 'message' | 'target'>) {
  return formatMessage({ target, request: requestBytes(message, target) });
}

async function keeping<T>(path: string, action: () => Promise<T>): Promise<T> {
  return usingSpool(path, action).catch((error: unknown) => {
    if (!(error instanceof SpoolFullError)) throw error;
    throw new UserError('failed', {
      what: 'cannot send the message, and cannot keep it',
      why: error.message,
      next: [
        'Send it again when the tunnel is up.',
        'See "arctun spool list" for the messages in the spool.',
      ],
      cause: error,
    });
  });
}
