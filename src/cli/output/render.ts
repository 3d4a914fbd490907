import type { HttpResponse } from '../../proxy/http-exchange.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import type { UserError } from '../../lib/errors/user-error.js';
import { harmless, harmlessJson } from '../../lib/text/harmless-text.js';

/** Formats an error for standard error: the failure, its reason, and what to do next. */
export function renderUserError(error: UserError): string {
  const next = error.next.map((sentence) => `  ${sentence}\n`).join('');
  // Redact the text, because errors quote input, which may contain a key instead of a name.
  return renderText(redactText(`Error: ${error.what}: ${error.why}\n${next}`));
}

/** Escapes control characters in each line of text from any source. */
export function renderText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** Formats a JSON value on one line; undefined becomes null. */
export function renderJson(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) => member ?? null);
  return `${harmlessJson(text)}\n`;
}

/** Converts an HTTP response to a JSON value; a body that is not UTF-8 is encoded in base64. */
export function renderResponse(answer: HttpResponse): object {
  const { status, statusText, headers, body } = answer;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { status, statusText, headers, body: text };
  } catch {
    return { status, statusText, headers, bodyBase64: Buffer.from(body).toString('base64') };
  }
}
