/**
 * Detects values that were pasted instead of a path: a configuration with its keys, or a key.
 * Messages may show paths, but must not show such values.
 */
import { isEncodedText, LONG_RUN } from '../secrets/encoded-text.js';

/** The kinds of values that are not a path. */
export type PathFault =
  | 'quoted'
  | 'json'
  | 'wireguard-configuration'
  | 'several-lines'
  | 'base64'
  | 'key'
  | 'broken-json';

const QUOTE = /^\s*["'`\u2018-\u201F\u00AB\u00BB]/;
const WIREGUARD =
  /\[\s*(?:Interface|Peer)\s*\]|(?:^|\s)(?:PrivateKey|PublicKey|PresharedKey|AllowedIPs)\s*=/i;
const JSON_START = /^\s*[[{]/;
/** Matches JSON without its beginning, for example because only a part was copied. */
const BROKEN_JSON = /"|[{}].*:|:.*[{}]/s;
const CONTROL = /\p{Cc}/u;

/**
 * Matches 32 bytes in base64 of either alphabet, but not paths such as `…/environment=production`.
 */
const WHOLE_KEY = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43}=(?![A-Za-z0-9])/;
const TOKEN = /^\s*(?:secret-[A-Za-z0-9]{16,}|eyJ[\w-]+\.)/;
/** Matches a name without a folder or extension that may be a truncated key. */
const BARE_KEY = /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+=_-]{20,}$/;

/** Returns the kind of value; undefined for a path. */
export function pathFault(text: string): PathFault | undefined {
  if (QUOTE.test(text)) return 'quoted';
  if (WIREGUARD.test(text)) return 'wireguard-configuration';
  if (JSON_START.test(text)) return 'json';
  if (holdsEncodedText(text)) return 'base64';
  if (BROKEN_JSON.test(text)) return 'broken-json';
  if (CONTROL.test(text.trimEnd())) return 'several-lines';
  if (WHOLE_KEY.test(text) || TOKEN.test(text) || BARE_KEY.test(text)) return 'key';
  return undefined;
}

/** Whether the value contains base64-encoded text, even if it is truncated, quoted or wrapped. */
function holdsEncodedText(text: string): boolean {
  return (text.replaceAll(/\s/g, '').match(LONG_RUN) ?? []).some(isEncodedText);
}
