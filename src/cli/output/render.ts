import type { HttpResponse } from '../../proxy/http-exchange.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import type { UserError } from '../../lib/errors/user-error.js';
import { harmless, harmlessJson } from '../../lib/text/harmless-text.js';

/** What failed, why, and what to do next, as standard error shows it. */
export function renderUserError(error: UserError): string {
  const next = error.next.map((sentence) => `  ${sentence}\n`).join('');
  // What was typed or read is quoted in errors, and a key may be where a name belongs.
  return renderText(redactText(`Error: ${error.what}: ${error.why}\n${next}`));
}

/** Lines for people, whoever wrote the words in them. */
export function renderText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** A JSON value on one line, for programs; null for what is not known. */
export function renderJson(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) => member ?? null);
  return `${harmlessJson(text)}\n`;
}

/** An HTTP answer as a JSON value; a body that is no UTF-8 text is given in base64. */
export function renderResponse(answer: HttpResponse): object {
  const { status, statusText, headers, body } = answer;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return { status, statusText, headers, body: text };
  } catch {
    return { status, statusText, headers, bodyBase64: Buffer.from(body).toString('base64') };
  }
}
