/** Formats the response to `send`. */
import type { SendResponse } from '../../app/send-message.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { harmlessLines } from '../../lib/text/harmless-text.js';
import { renderResponse, textMember } from './render.js';

/** Converts a response to a JSON value. */
export function answerValue(answer: SendResponse): object {
  if (answer.via === 'http') return renderResponse(answer.response);
  if (answer.via === 'spool') return { spooled: { id: answer.id, reason: answer.why } };
  const { via, payload } = answer;
  return { via, ...(payload === undefined ? { answer: null } : textMember('answer', payload)) };
}

/**
 * Returns the response body to print. On a terminal, control characters are escaped, because they
 * could control the terminal. A pipe or a file receives the bytes unchanged.
 */
export function answerBody(
  answer: SendResponse,
  { isTerminal }: { readonly isTerminal: boolean },
): string | Uint8Array {
  const body = bodyOf(answer) ?? new Uint8Array();
  return isTerminal ? harmlessLines(new TextDecoder().decode(body)) : body;
}

function bodyOf(answer: SendResponse): Uint8Array | undefined {
  if (answer.via === 'spool') return undefined;
  return answer.via === 'http' ? answer.response.body : answer.payload;
}

/**
 * Returns a message about the response for standard error; undefined if no message is needed.
 *
 * @param timeout how long `send` waited, in milliseconds
 * @param json whether the response is printed as JSON, which includes the status
 */
export function answerNote(
  answer: SendResponse,
  { timeout, json }: { timeout: number; json: boolean },
): string | undefined {
  if (answer.via === 'http') {
    const { status, statusText } = answer.response;
    return json ? undefined : `HTTP ${status} ${statusText}`;
  }
  if (answer.via === 'spool') {
    return `Kept as ${answer.id}, because nothing was sent: ${answer.why}. The next "arctun send --spool" or "arctun spool send" sends it.`;
  }
  const { via, payload } = answer;
  if (payload !== undefined)
    return payload.length === 0 ? 'The target sent an empty response.' : undefined;
  // The server may have closed the connection long before the timeout.
  if (via === 'tcp') return 'The message was delivered, but the target did not send a response.';
  return `No response within ${timeout / 1000} s. Over UDP, the message may or may not have arrived.`;
}

/** Builds the error for a response that cannot be printed: the message must not be sent twice. */
export function unprintedError(cause: unknown, answer: SendResponse): UserError {
  if (answer.via === 'spool') return unprintedKeep(cause, answer.id);
  const result =
    answer.via === 'http' ? `, and the response was HTTP ${answer.response.status}` : '';
  return new UserError('failed', {
    what: 'cannot write to standard output',
    why: messageOf(cause),
    next: [`The message was sent${result}. To avoid a duplicate, do not send it again.`],
    cause,
  });
}

function unprintedKeep(cause: unknown, id: string): UserError {
  return new UserError('failed', {
    what: 'cannot write to standard output',
    why: messageOf(cause),
    next: [`The spool keeps the message as ${id}. To avoid a duplicate, do not send it again.`],
    cause,
  });
}
