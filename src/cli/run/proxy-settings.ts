/** Prepares the settings of the proxy of `up`: where it listens, and its password. */
import { resolve } from 'node:path';

import { placeOf, privateFileFailed } from '../../app/credentials/private-text.js';
import type { ProxySettings } from '../../app/up/listeners/http-listeners.js';
import { withSetting } from '../../lib/errors/from-setting.js';
import { cannotUse, UserError } from '../../lib/errors/user-error.js';
import { Secret } from '../../lib/secrets/secret.js';
import { PrivateFileError } from '../../ports/private-files.js';
import type { PassedSockets } from '../../proxy/open-passed-sockets.js';
import type { Context } from '../context.js';
import { type BrowserChoice, browserPolicy } from '../flags/listeners/browser-flags.js';
import { PASSWORD_VARIABLE, type proxyFlags, proxyPlace } from '../flags/listeners/proxy-flags.js';
import type { FlagValues } from '../flags/flag.js';

type ProxyChoice = FlagValues<typeof proxyFlags> &
  BrowserChoice & { readonly 'allow-open': boolean };

/** The maximum length in bytes of a SOCKS5 password (RFC 1929 2). */
const MAX_LENGTH = 255;

/**
 * Returns the proxy's settings; undefined if the proxy is disabled.
 *
 * @param passed the sockets of the service manager, which replace the flag for the address
 * @throws UserError of kind `usage` for invalid flags; of another kind if the password cannot be
 * read or used
 */
export async function proxySettings(
  flags: ProxyChoice,
  context: Pick<Context, 'env' | 'privateFiles'>,
  passed?: PassedSockets,
): Promise<ProxySettings | undefined> {
  const place = proxyPlace(flags, context.env, passed);
  if (place === undefined) {
    refuseUnusedPassword(flags);
    return undefined;
  }
  const { listen } = place;
  return {
    isAskedFor: place.isAskedFor,
    listen: 'path' in listen ? { path: resolve(listen.path) } : listen,
    password: await readPassword(flags['proxy-password-file'], context),
    hosts: browserPolicy(flags).hosts,
  };
}

/** @throws UserError of kind `usage`: a user who sets a password expects a proxy */
function refuseUnusedPassword({ 'proxy-password-file': path }: ProxyChoice): void {
  if (path === undefined) return;
  throw cannotUse(
    '--proxy-password-file with --proxy-listen=off',
    'the proxy, which the password is for, is off',
    'Remove one of them.',
  );
}

async function readPassword(
  path: string | undefined,
  { env, privateFiles }: Pick<Context, 'env' | 'privateFiles'>,
): Promise<Secret<Uint8Array> | undefined> {
  const setting = path === undefined ? PASSWORD_VARIABLE : '--proxy-password-file';
  const text =
    path === undefined ? env[PASSWORD_VARIABLE] : await readFile(path, await privateFiles());
  if (path === undefined && (text ?? '') === '') return undefined;
  const password = Buffer.from((text ?? '').replace(/\r?\n$/, ''));
  const why = faultOf(password);
  if (why === undefined) return new Secret(new Uint8Array(password));
  throw new UserError('configuration', {
    what: `cannot use the password of the proxy (${setting})`,
    why: path === undefined ? why : `${placeOf(path)}: ${why}`,
    next: ['Create a password with: head -c 24 /dev/urandom | base64'],
  });
}

/** Returns why clients could not send the password; undefined if they can. */
function faultOf(password: Buffer): string | undefined {
  if (password.length === 0) return 'the password is empty';
  if (password.length > MAX_LENGTH) return `the password must not exceed ${MAX_LENGTH} bytes`;
  // RFC 7617 2: a password must not contain control characters.
  const isControl = (byte: number) => byte < 0x20 || byte === 0x7f;
  return password.some(isControl)
    ? 'the password must be one line without control characters'
    : undefined;
}

async function readFile(
  path: string,
  files: Awaited<ReturnType<Context['privateFiles']>>,
): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error;
    const what = 'cannot read the password of the proxy';
    throw withSetting('--proxy-password-file', privateFileFailed(path, what, error));
  }
}
