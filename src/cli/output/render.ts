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

/** Escapes control characters in each line of a string from any source. */
export function renderText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** Formats a JSON value on one line; undefined becomes null. */
export function renderJson(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) => member ?? null);
  return `${harmlessJson(text)}\n`;
}

/** Converts an HTTP response to a JSON value. */
export function renderResponse({ status, statusText, headers, body }: HttpResponse): object {
  return { status, statusText, headers, ...textMember('body', body) };
}

/** Returns a member with the text; bytes that are not UTF-8 are encoded in base64. */
export function textMember(name: string, bytes: Uint8Array): object {
  try {
    return { [name]: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };
  }
}
