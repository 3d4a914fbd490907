/**
 * Detects secrets by name and by shape. A value whose name contains key, token or password is
 * always a secret. In other text, anything shaped like a key, a token or an auth key is a secret.
 */
import { isEncodedText, LONG_RUN } from './encoded-text.js';
import { REDACTED } from './secret.js';

const SECRET_NAME =
  /key|token|secret|passw|passphrase|passcode|pwd|otp|credential|authori[sz]ation|cookie|jwt|bearer|^pin$|^puk$/;

/** Matches names of values that are not secret: public keys, numbers of seconds, page markers. */
const HARMLESS_NAME = /publickey$|^tokentimeoutseconds$|^xsoracomnextkey$|^lastevaluatedkey$/;

const PUBLIC_KEY_NAME = /publickey$/;
const KEY = /^[A-Za-z0-9+/]{43}=$/;

/** Matches auth keys, API keys, tokens (JWT), and 32 bytes in hexadecimal or base64. */
const SECRET_SHAPES = [
  /\bsecret-[\w-]+/gi,
  /\beyJ[\w-]+(?:\.[\w-]*)*/g,
  /[A-Za-z0-9+/]{43}=/g,
  /[A-Za-z0-9_-]{43}=/g,
  /\b[0-9a-f]{64}\b/gi,
];

/**
 * Matches the value after a secret's name in a `wg` file or in JSON, which may be quoted or
 * truncated.
 */
const NAMED_SECRET =
  /((?:private|pre-?shared|auth|api)[-_]?key|password|token)(["'\\]*\s*[:=]\s*["'\\]*)[^\s"'\\,}]{8,}/gi;

/** Whether the name of a JSON member or a header indicates a secret. */
export function isSecretName(name: string): boolean {
  const plain = plainName(name);
  return SECRET_NAME.test(plain) && !HARMLESS_NAME.test(plain);
}

/**
 * Matches an API key, but also names such as `api-gateway`. The caller excludes matches without a
 * digit, so that the regular expression takes linear time.
 */
const API_KEY = /\bapi-[\w-]{8,}/gi;

/** Replaces everything in a string that looks like a secret. */
export function redactText(text: string): string {
  const plain = withoutEncodedText(text).replaceAll(NAMED_SECRET, `$1$2${REDACTED}`);
  const shown = SECRET_SHAPES.reduce(
    (rest, shape) => rest.replaceAll(shape, REDACTED),
    plain,
  ).replaceAll(API_KEY, (key) => (/\d/.test(key) ? REDACTED : key));
  return shown.replaceAll(PART_OF_KEY, (run) => (isRandom(run) ? REDACTED : run));
}

/** Matches a run that is longer than most file names and may be part of a truncated key. */
const PART_OF_KEY = /[A-Za-z0-9+/_-]{20,}/g;

/**
 * Whether base64 digits look random. In words and names, several characters in a row have the same
 * class (lower case, upper case, digits). In a key, the class changes after two of three characters
 * on average.
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

/** Whether a string contains anything that looks like a secret. */
export function hasSecretShape(text: string): boolean {
  return redactText(text) !== text;
}

/**
 * Replaces base64-encoded text, which may be a whole or truncated arc.json if it is longer than a
 * key.
 */
function withoutEncodedText(text: string): string {
  return text.replaceAll(LONG_RUN, (run) => (isEncodedText(run) ? REDACTED : run));
}

/**
 * Returns the part of a named value that may be shown: nothing if the name indicates a secret,
 * otherwise the value without anything that looks like a secret.
 */
export function redactNamed(name: string, text: string): string {
  if (isSecretName(name)) return REDACTED;
  // Public and private keys have the same shape; only the name distinguishes them.
  return PUBLIC_KEY_NAME.test(plainName(name)) && KEY.test(text) ? text : redactText(text);
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
