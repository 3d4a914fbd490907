import { isIP } from 'node:net';

import { PLATFORM_NAME_SERVERS } from '../../../app/up/plan-tunnel.js';
import { fromSetting } from '../../../lib/errors/from-setting.js';
import { cannotUse } from '../../../lib/errors/user-error.js';
import type { PassedSockets } from '../../../proxy/open-passed-sockets.js';
import {
  type ListenAddress,
  parseListenAddress,
  requireLoopback,
} from '../../../proxy/listen-address.js';
import * as Flags from '../flag.js';

const PORT = 1080;
export const DEFAULT_LISTEN = `127.0.0.1:${PORT}`;

/** The value of --proxy-listen that disables the proxy. */
export const PROXY_OFF = 'off';

/** The variable that contains the proxy's password. It has no flag, because `ps` shows flags. */
export const PASSWORD_VARIABLE = 'ARCTUN_PROXY_PASSWORD';

/** Flags of the SOCKS5 and HTTP proxy and its name servers. */
export const proxyFlags = Flags.grouped('Listener', {
  'proxy-listen': Flags.text({
    description: `Address or Unix socket of the SOCKS5 and HTTP proxy, or "${PROXY_OFF}"; ${DEFAULT_LISTEN} by default.`,
    defaultHelp: DEFAULT_LISTEN,
    helpValue: 'ADDRESS:PORT|PATH',
    env: 'ARCTUN_PROXY_LISTEN',
  }),
  'proxy-password-file': Flags.text({
    description: `File with the password that clients of the proxy must send; overrides ${PASSWORD_VARIABLE}. Only its owner may have access.`,
    helpValue: 'FILE',
    env: 'ARCTUN_PROXY_PASSWORD_FILE',
  }),
  dns: Flags.text({
    description: 'Name servers inside the tunnel, separated by commas.',
    default: PLATFORM_NAME_SERVERS.join(','),
    helpValue: 'ADDRESS',
    env: 'ARCTUN_DNS',
  }),
});

interface ProxyChoice {
  readonly 'proxy-listen': string | undefined;
  readonly 'proxy-password-file'?: string | undefined;
  readonly 'allow-open': boolean;
}

export interface ProxyPlace {
  readonly listen: ListenAddress | { readonly path: string } | PassedSockets;
  /** Whether the user specified the address. */
  readonly isAskedFor: boolean;
}

/**
 * Returns where the proxy listens; undefined if the proxy is disabled.
 *
 * @param env the environment, which may contain a password
 * @param passed the sockets of the service manager, which replace the flag
 * @throws UserError of kind `usage`
 */
export function proxyPlace(
  flags: ProxyChoice,
  env: Readonly<Record<string, string | undefined>>,
  passed?: PassedSockets,
): ProxyPlace | undefined {
  if (passed !== undefined) return { listen: passed, isAskedFor: true };
  const text = flags['proxy-listen'];
  if (text === PROXY_OFF) return undefined;
  const isAskedFor = text !== undefined;
  const path = socketPath(text ?? '');
  if (path !== undefined) return { listen: { path }, isAskedFor };
  const isGuarded = flags['allow-open'] || hasProxyPassword(flags, env);
  const listen = fromSetting('--proxy-listen', () => {
    const address = parseListenAddress(text ?? DEFAULT_LISTEN, PORT, [UNIX_FORM]);
    requireLoopback(address.host, isGuarded, undefined, [PASSWORD_ADVICE]);
    return address;
  });
  return { listen, isAskedFor };
}

/** Advice for a proxy that other machines can reach. */
export const PASSWORD_ADVICE = `Or set a password with --proxy-password-file or ${PASSWORD_VARIABLE}.`;

/** Whether clients of the proxy need a password. */
export function hasProxyPassword(
  flags: Pick<ProxyChoice, 'proxy-password-file'>,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return Boolean(flags['proxy-password-file'] ?? env[PASSWORD_VARIABLE]);
}

/** Advice for a value that is not an address. */
const UNIX_FORM = 'For a Unix socket, use a path that contains a slash, or unix:PATH.';

/** Returns the path of `unix:PATH`, or of a path that contains a slash. */
export function socketPath(text: string): string | undefined {
  const [, path] = /^unix:(.+)$/s.exec(text) ?? [];
  return path ?? (text.includes('/') && !text.includes('://') ? text : undefined);
}

/** @throws UserError of kind `usage` */
export function nameServers(text: string): readonly string[] {
  const addresses = text.split(',').map((address) => address.trim());
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong === undefined) return addresses;
  throw cannotUse(
    `--dns=${text}`,
    `${JSON.stringify(wrong)} is not an IP address`,
    'Use the form --dns=100.127.0.53,100.127.1.53.',
  );
}
