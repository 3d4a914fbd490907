import {
  type ListenAddress,
  parseListenAddress,
  requireLoopback,
} from '../../proxy/listen-address.js';
import { type BrowserChoice, browserPolicy } from './browser-flags.js';
import { grouped } from './flag.js';

/** The flag for the address of the status pages. */
export const statusListenFlag = grouped('Listener', {
  'status-listen': {
    type: 'string',
    description:
      'Show /livez, /readyz and /metrics by HTTP at ADDRESS:PORT; port 0 takes any free one.',
    helpValue: 'ADDRESS:PORT',
    env: 'ARCTUN_STATUS_LISTEN',
  },
});

interface StatusListenChoice {
  readonly 'status-listen': string | undefined;
  readonly 'allow-open': boolean;
}

/**
 * Returns the address of the status pages, and which browser requests they accept.
 *
 * @throws UserError of kind `usage`
 */
export function statusPageSettings(flags: StatusListenChoice & BrowserChoice) {
  return { statusListen: statusListen(flags), browsers: browserPolicy(flags) };
}

/**
 * Returns the address to listen on; undefined if the flag is not set.
 *
 * @throws UserError of kind `usage`
 */
export function statusListen(flags: StatusListenChoice): ListenAddress | undefined {
  const text = flags['status-listen'];
  if (text === undefined || text === '') return undefined;
  const listen = parseListenAddress(text);
  const risk = 'whoever can reach it could see how this tunnel does';
  requireLoopback(listen.host, flags['allow-open'], risk);
  return listen;
}
