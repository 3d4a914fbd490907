import { isIP } from 'node:net';

import type { ProxySettings } from '../../../app/up/open-userspace.js';
import { PLATFORM_NAME_SERVERS } from '../../../app/up/plan-tunnel.js';
import { fromSetting } from '../../../lib/errors/from-setting.js';
import { UserError } from '../../../lib/errors/user-error.js';
import { parseListenAddress, requireLoopback } from '../../../proxy/listen-address.js';
import { grouped } from '../flag.js';

const PORT = 1080;
const DEFAULT_LISTEN = `127.0.0.1:${PORT}`;

/** The value of --proxy-listen that disables the proxy. */
const OFF = 'off';

/** Flags of the SOCKS5 and HTTP proxy and its name servers. */
export const proxyFlags = grouped('Listener', {
  'proxy-listen': {
    type: 'string',
    description: `Address of the SOCKS5 and HTTP proxy, or "${OFF}"; ${DEFAULT_LISTEN} by default.`,
    defaultHelp: DEFAULT_LISTEN,
    helpValue: 'ADDRESS:PORT',
    env: 'ARCTUN_PROXY_LISTEN',
  },
  dns: {
    type: 'string',
    description: 'Name servers inside the tunnel, separated by commas.',
    default: PLATFORM_NAME_SERVERS.join(','),
    helpValue: 'ADDRESS',
    env: 'ARCTUN_DNS',
  },
});

interface ProxyChoice {
  readonly 'proxy-listen': string | undefined;
  readonly 'allow-open': boolean;
}

/**
 * Returns the proxy's settings; undefined if the proxy is disabled.
 *
 * @throws UserError of kind `usage`
 */
export function proxySettings(flags: ProxyChoice): ProxySettings | undefined {
  const text = flags['proxy-listen'];
  if (text === OFF) return undefined;
  const listen = fromSetting('--proxy-listen', () => {
    const address = parseListenAddress(text ?? DEFAULT_LISTEN, PORT);
    requireLoopback(address.host, flags['allow-open']);
    return address;
  });
  return { listen, isAskedFor: text !== undefined };
}

/** @throws UserError of kind `usage` */
export function nameServers(text: string): readonly string[] {
  const addresses = text.split(',').map((address) => address.trim());
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong === undefined) return addresses;
  throw new UserError('usage', {
    what: `cannot use --dns=${text}`,
    why: `${JSON.stringify(wrong)} is not an IP address`,
    next: ['Use the form --dns=100.127.0.53,100.127.1.53.'],
  });
}
