/**
 * Decides which parts of headers and bodies may be shown. Hides anything that cannot be parsed, and
 * values at any depth whose name or format shows that they are secret
 * (lib/secrets/secret-shapes.ts).
 */
import { REDACTED } from '../lib/secrets/secret.js';
import { isSecretName, redactNamed, redactText } from '../lib/secrets/secret-shapes.js';
import { parseJson } from '../lib/text/parse-json.js';

/** The string to show instead of a body that may contain a secret at an unknown position. */
export const NOT_SHOWN = '(not shown)';

/**
 * Redacts the body of a request or a response for display:
 *
 * - JSON is shown on one line; only the last of duplicate members is kept.
 * - Markup, and text in which every word is too short to be a key, is cut to the first line.
 * - Any other text, such as truncated JSON, is replaced with a note that it is not shown.
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
    // JSON.parse accepts deeper nesting than JSON.stringify, which throws a RangeError.
    return NOT_SHOWN;
  }
}

function redactMember(name: string, member: unknown): unknown {
  if (typeof member === 'string') return redactNamed(name, member);
  return isSecretName(name) ? REDACTED : member;
}

/**
 * Matches a word that is too short to be a whole key. A key has at least 43 characters and no
 * spaces.
 */
const SHORT_WORD = /^["'(]?(?:\p{L}[\p{L}'/-]{0,23}|\d{1,5})[.,:;!?'")]*$/u;

function isHarmlessText(body: string): boolean {
  const line = rawFirstLine(body);
  return line.startsWith('<') || line.split(/\s+/).every((word) => SHORT_WORD.test(word));
}

const SHOWN_LENGTH = 200;

/** Returns the first non-empty line, shortened, without control characters and secrets. */
export function firstLine(text: string): string {
  return redactText(rawFirstLine(text)).slice(0, SHOWN_LENGTH);
}

function rawFirstLine(text: string): string {
  const line = text.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  return withoutControls(line).trim();
}

/** Replaces control characters except newlines, because these characters can control a terminal. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Control}\n]/gu, ' ');
}
