/**
 * What gives a secret away. Names decide first: whatever is called a key, a token or a password is
 * one. Then shapes: a key, a token or an auth key is one wherever it stands.
 */
import { isEncodedText, LONG_RUN } from './encoded-text.js';
import { REDACTED } from './secret.js';

const SECRET_NAME =
  /key|token|secret|passw|passphrase|passcode|pwd|otp|credential|authori[sz]ation|cookie|jwt|bearer|^pin$|^puk$/;

/** Public keys, a number of seconds, and the bookmarks of paged listings. */
const HARMLESS_NAME = /publickey$|^tokentimeoutseconds$|^xsoracomnextkey$|^lastevaluatedkey$/;

const PUBLIC_KEY_NAME = /publickey$/;
const KEY = /^[A-Za-z0-9+/]{43}=$/;

/** Auth keys, API keys, tokens (JWT), and 32 bytes in base64, in both alphabets, or hexadecimal digits. */
const SECRET_SHAPES = [
  /\bsecret-[\w-]+/gi,
  /\beyJ[\w-]+(?:\.[\w-]*)*/g,
  /[A-Za-z0-9+/]{43}=/g,
  /[A-Za-z0-9_-]{43}=/g,
  /\b[0-9a-f]{64}\b/gi,
];

/** What follows such a name in JSON, also if that is quoted itself or cut off, and in `wg` files. */
const NAMED_SECRET =
  /((?:private|pre-?shared|auth|api)[-_]?key|password|token)(["'\\]*\s*[:=]\s*["'\\]*)[^\s"'\\,}]{8,}/gi;

/** Whether the name of a JSON member or a header speaks of a secret. */
export function isSecretName(name: string): boolean {
  const plain = plainName(name);
  return SECRET_NAME.test(plain) && !HARMLESS_NAME.test(plain);
}

/** An API key. A name such as `api-gateway` has no digit: that is looked at afterwards, in linear time. */
const API_KEY = /\bapi-[\w-]{8,}/gi;

/** A text without what has the shape of a secret. */
export function redactText(text: string): string {
  const plain = withoutEncodedText(text).replaceAll(NAMED_SECRET, `$1$2${REDACTED}`);
  const shown = SECRET_SHAPES.reduce(
    (rest, shape) => rest.replaceAll(shape, REDACTED),
    plain,
  ).replaceAll(API_KEY, (key) => (/\d/.test(key) ? REDACTED : key));
  return shown.replaceAll(PART_OF_KEY, (run) => (isRandom(run) ? REDACTED : run));
}

/** Longer than the names of most files, and shorter than a key that was cut off. */
const PART_OF_KEY = /[A-Za-z0-9+/_-]{20,}/g;

/**
 * Whether digits of base64 look drawn by lot: in words and names one class of characters goes on for a while, in a
 * key the class changes at two digits of three.
 */
function isRandom(run: string): boolean {
  let changes = 0;
  const seen = new Set<string>();
  let before = '';
  for (const digit of run) {
    const kind = /[a-z]/.test(digit)
      ? 'a'
      : /[A-Z]/.test(digit)
        ? 'A'
        : /\d/.test(digit)
          ? '0'
          : '';
    if (kind === '') continue;
    if (before !== '' && kind !== before) changes++;
    seen.add(kind);
    before = kind;
  }
  return seen.size === 3 && changes >= RANDOM_SHARE * run.length;
}

const RANDOM_SHARE = 0.4;

/** Whether something in a text has the shape of a secret. */
export function hasSecretShape(text: string): boolean {
  return redactText(text) !== text;
}

/** Base64 of text that is longer than a key may be an arc.json, whole or cut off. */
function withoutEncodedText(text: string): string {
  return text.replaceAll(LONG_RUN, (run) => (isEncodedText(run) ? REDACTED : run));
}

/** What may be shown of a text that has a name: nothing, or all but the shapes of secrets. */
export function redactNamed(name: string, text: string): string {
  if (isSecretName(name)) return REDACTED;
  // A public key has the shape of a private one.
  return PUBLIC_KEY_NAME.test(plainName(name)) && KEY.test(text) ? text : redactText(text);
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
