import { fromSetting } from '../../../lib/errors/from-setting.js';
import {
  type ListenAddress,
  parseListenAddress,
  requireLoopback,
} from '../../../proxy/listen-address.js';
import { type BrowserChoice, browserPolicy } from './browser-flags.js';
import * as Flags from '../flag.js';

/** The port in the documentation. */
const USUAL_PORT = 9100;

/** The flag for the address of the status pages. */
export const statusListenFlag = Flags.grouped('Listener', {
  'status-listen': Flags.text({
    description:
      'Serve a status page, /livez, /readyz and /metrics over HTTP; port 0 picks a free port.',
    helpValue: 'ADDRESS:PORT',
    env: 'ARCTUN_STATUS_LISTEN',
  }),
});

type StatusListenChoice = Flags.FlagValues<typeof statusListenFlag> & {
  readonly 'allow-open': boolean;
};

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
  return fromSetting('--status-listen', () => {
    const listen = parseListenAddress(text, USUAL_PORT);
    const risk = 'anyone who can reach the address could see the status of this tunnel';
    requireLoopback(listen.host, flags['allow-open'], risk);
    return listen;
  });
}
