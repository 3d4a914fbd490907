/**
 * What gives a secret away. Names decide first: whatever is called a key, a token or a password is
 * one. Then shapes: a key, a token or an auth key is one wherever it stands.
 */
import { REDACTED } from './secret.js';

const SECRET_NAME =
  /key|token|secret|passw|passphrase|passcode|pwd|otp|credential|authori[sz]ation|cookie|jwt|bearer|^pin$|^puk$/;

/** Public keys, a number of seconds, and the bookmarks of paged listings. */
const HARMLESS_NAME = /publickey$|^tokentimeoutseconds$|^xsoracomnextkey$|^lastevaluatedkey$/;

const PUBLIC_KEY_NAME = /publickey$/;
const KEY = /^[A-Za-z0-9+/]{43}=$/;

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

/** A text without what has the shape of a secret. */
export function redactText(text: string): string {
  return SECRET_SHAPES.reduce((shown, shape) => shown.replaceAll(shape, REDACTED), text);
}

/** Whether something in a text has the shape of a secret. */
export function hasSecretShape(text: string): boolean {
  return SECRET_SHAPES.some((shape) => text.search(shape) >= 0);
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
