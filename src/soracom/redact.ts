/**
 * What may be shown of headers and bodies. Names decide first: whatever is called a key, a token
 * or a password is hidden, at any depth. Then shapes: a key, a token or an auth key is hidden
 * wherever it stands. What cannot be understood is not shown.
 */
import { REDACTED } from '../lib/secret.js';

/** In the place of a body that may hold a secret which nobody can find in it. */
export const NOT_SHOWN = '(not shown)';

const SECRET_NAME =
  /key|token|secret|passw|passphrase|passcode|pwd|otp|credential|authori[sz]ation|cookie|jwt|bearer|^pin$|^puk$/;

/** Public keys, a number of seconds, and the bookmarks of paged listings. */
const HARMLESS_NAME = /publickey$|^tokentimeoutseconds$|^xsoracomnextkey$|^lastevaluatedkey$/;

const PUBLIC_KEY_NAME = /publickey$/;

/** Auth keys, API keys, tokens (JWT), and 32 bytes in base64 or hexadecimal digits. */
const SECRET_SHAPES = [
  /\bsecret-[\w-]+/gi,
  /\bapi-(?=[\w-]*\d)[\w-]{8,}/gi,
  /\beyJ[\w-]+(?:\.[\w-]*)*/g,
  /[A-Za-z0-9+/]{43}=/g,
  /\b[0-9a-f]{64}\b/gi,
];

/** Whether the name of a JSON member or a header speaks of a secret. */
export function isSecretName(name: string): boolean {
  const plain = plainName(name);
  return SECRET_NAME.test(plain) && !HARMLESS_NAME.test(plain);
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** A text without what has the shape of a secret. */
export function redactText(text: string): string {
  return SECRET_SHAPES.reduce((shown, shape) => shown.replaceAll(shape, REDACTED), text);
}

export function redactHeader(name: string, value: string): string {
  return isSecretName(name) ? REDACTED : redactText(value);
}

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
  if (isSecretName(name)) return REDACTED;
  if (typeof member !== 'string') return member;
  const isPublicKey = PUBLIC_KEY_NAME.test(plainName(name)) && /^[A-Za-z0-9+/]{43}=$/.test(member);
  return isPublicKey ? member : redactText(member);
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

/** undefined where the text is no JSON; JSON's own null is null. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
