/** What `send` says of an answer. */
import type { SendResponse } from '../../app/send-message.js';
import { harmlessLines } from '../../lib/text/harmless-text.js';
import { renderResponse } from './render.js';

/** An answer as a JSON value; bytes that are no UTF-8 text are given in base64. */
export function answerValue(answer: SendResponse): object {
  if (answer.via === 'http') return renderResponse(answer.response);
  const { via, payload } = answer;
  if (payload === undefined) return { via, answer: null };
  try {
    return { via, answer: new TextDecoder('utf-8', { fatal: true }).decode(payload) };
  } catch {
    return { via, answerBase64: Buffer.from(payload).toString('base64') };
  }
}

/** A terminal would obey the escape sequences of an answer; a pipe or a file gets its bytes. */
export function answerBody(
  answer: SendResponse,
  { isTerminal }: { readonly isTerminal: boolean },
): string | Uint8Array {
  const body = (answer.via === 'http' ? answer.response.body : answer.payload) ?? new Uint8Array();
  return isTerminal ? harmlessLines(new TextDecoder().decode(body)) : body;
}

/**
 * What standard error says beside the answer; undefined when that says all.
 *
 * @param timeout milliseconds that were waited
 * @param json whether the answer is printed as JSON, which has the status
 */
export function answerNote(
  answer: SendResponse,
  { timeout, json }: { timeout: number; json: boolean },
): string | undefined {
  if (answer.via === 'http') {
    const { status, statusText } = answer.response;
    return json ? undefined : `HTTP ${status} ${statusText}`;
  }
  const { via, payload } = answer;
  if (payload !== undefined) return payload.length === 0 ? 'The answer is empty.' : undefined;
  // The other side may have ended the connection long before the timeout.
  if (via === 'tcp') return 'No answer; the message has arrived.';
  return `No answer within ${timeout / 1000} s. By UDP this does not tell whether the message has arrived.`;
}
