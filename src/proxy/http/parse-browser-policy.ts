/** Parses the host names and web origins that a user allows. */
import { hasSecretShape } from '../../lib/secrets/secret-shapes.js';
import { UserError } from '../../lib/errors/user-error.js';

/**
 * RFC 1035 2.3.4: labels of at most 63 characters. Underscores are allowed because service names
 * have them.
 */
const HOST_NAME = /^(?:\w(?:[\w-]{0,61}\w)?\.)*\w(?:[\w-]{0,61}\w)?\.?$/;

/** RFC 6454 6.2: scheme, host, and the port unless it is the default. file: pages have no host. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s,"'\\]*$/;

/**
 * @param values comma-separated lists of names
 * @throws UserError of kind `usage`
 */
export function parseAllowedHosts(values: readonly string[], setting = '--allow-host'): string[] {
  return values.flatMap(listed).map((name) => {
    if (HOST_NAME.test(name)) return name.toLowerCase().replace(/\.$/, '');
    throw unusable(setting, name, 'the value must be a host name without a port, such as arctun');
  });
}

/**
 * @param values comma-separated lists of origins
 * @throws UserError of kind `usage`
 */
export function parseAllowedOrigins(
  values: readonly string[],
  setting = '--allow-origin',
): string[] {
  return values.flatMap(listed).map((text) => {
    const origin = text.toLowerCase();
    if (origin === '*') return origin;
    // Browsers omit the default port.
    if (ORIGIN.test(origin)) return origin.replace(/^(http:.*):80$|^(https:.*):443$/, '$1$2');
    throw unusable(
      setting,
      text,
      'the value must be an origin, such as https://app.example:8443, or *',
    );
  });
}

function listed(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/**
 * Whether an error may quote the string. A configuration pasted into the wrong setting may contain
 * a key.
 */
function isShown(text: string): boolean {
  return /^[^"'{}\s]{1,60}$/.test(text) && !hasSecretShape(text);
}

function unusable(setting: string, text: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot use ${setting}${isShown(text) ? `=${text}` : ''}`,
    why,
    next: [`Correct ${setting}.`],
  });
}
