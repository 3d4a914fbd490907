/**
 * What may be shown of headers and bodies: all but what a name or a shape gives away as a secret
 * (lib/secrets/secret-shapes.ts), at any depth. What cannot be understood is not shown.
 */
import { REDACTED } from '../lib/secrets/secret.js';
import { isSecretName, redactNamed, redactText } from '../lib/secrets/secret-shapes.js';
import { parseJson } from '../lib/text/parse-json.js';

/** In the place of a body that may hold a secret which nobody can find in it. */
export const NOT_SHOWN = '(not shown)';

/**
 * The body of a request or an answer: JSON on one line, of members that came twice the last;
 * otherwise the first line, where it is markup or words too short for a key; otherwise a note that
 * it is not shown. JSON that was cut short is such a case.
 */
export function redactBody(body: string): string {
  if (body.trim() === '') return '';
  const value = parseJson(body);
  if (typeof value === 'object' && value !== null) return redactJson(value);
  return isHarmlessText(body) ? firstLine(body) : NOT_SHOWN;
}

function redactJson(value: object): string {
  try {
    return JSON.stringify(value, (name, member: unknown) => redactMember(name, member));
  } catch {
    // JSON.parse goes deeper than JSON.stringify: a RangeError on absurd nesting.
    return NOT_SHOWN;
  }
}

function redactMember(name: string, member: unknown): unknown {
  if (typeof member === 'string') return redactNamed(name, member);
  return isSecretName(name) ? REDACTED : member;
}

/** A whole key has 43 characters and more, without a space. */
const SHORT_WORD = /^["'(]?(?:\p{L}[\p{L}'/-]{0,23}|\d{1,5})[.,:;!?'")]*$/u;

function isHarmlessText(body: string): boolean {
  const line = rawFirstLine(body);
  return line.startsWith('<') || line.split(/\s+/).every((word) => SHORT_WORD.test(word));
}

const SHOWN_LENGTH = 200;

/** The first line that is not empty, shortened, without control characters and secrets' shapes. */
export function firstLine(text: string): string {
  return redactText(rawFirstLine(text)).slice(0, SHOWN_LENGTH);
}

function rawFirstLine(text: string): string {
  const line = text.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  return withoutControls(line).trim();
}

/** Control characters steer terminals; of them only the line break is kept. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Control}\n]/gu, ' ');
}
