import { parseHeaderFlag } from '../../../proxy/forward/header-flag.js';
import { parseTarget } from '../../../proxy/forward/target.js';
import { fromSetting } from '../../../lib/errors/from-setting.js';
import { parseListenAddress, requireLoopback } from '../../../proxy/listen-address.js';
import type { ForwardSettings } from '../../../app/up/listeners/http-listeners.js';
import type { PassedSockets } from '../../../proxy/open-passed-sockets.js';
import { type BrowserChoice, browserPolicy } from './browser-flags.js';
import * as Flags from '../flag.js';
import { type ForwardToChoice, mainTarget } from './forward-targets.js';

const PORT = 8888;

/** Flags of the forwarder to the Unified Endpoint. The short flags match soraproxy's. */
export const forwardFlags = Flags.grouped('Listener', {
  'forward-listen': Flags.text({
    description: 'Address of the forwarder; port 0 picks a free port.',
    default: `127.0.0.1:${PORT}`,
    helpValue: 'ADDRESS:PORT',
    env: 'ARCTUN_FORWARD_LISTEN',
  }),
  address: Flags.text({
    char: 'a',
    description: 'Override the address in --forward-listen.',
    helpValue: 'ADDRESS',
  }),
  port: Flags.integer({
    char: 'p',
    description: 'Override the port in --forward-listen.',
    helpValue: 'PORT',
    min: 0,
    max: 65_535,
  }),
  header: Flags.list({
    char: 'H',
    description: 'Header to add to every request, as "Name: value". Repeatable.',
    helpValue: 'HEADER',
  }),
  'no-resend': Flags.boolean({
    description:
      'Never send a request a second time. By default, if the target closes a connection without reading the request, arctun sends the request again over a new connection.',
    env: 'ARCTUN_NO_RESEND',
  }),
  'allow-open': Flags.boolean({
    description:
      'Allow listening on a non-loopback address without authentication. The proxy does not need this flag if it has a password.',
    env: 'ARCTUN_ALLOW_OPEN',
  }),
});

const WHOLE = { flag: '--forward-listen', hostFlag: '--forward-listen' } as const;

type ForwardChoice = Flags.FlagValues<typeof forwardFlags> & BrowserChoice & ForwardToChoice;

type ForwarderPlace = Required<Pick<ForwardSettings, 'listen' | 'flag' | 'hostFlag'>>;

/**
 * @param passed the sockets of the service manager, which replace the flags for the address
 * @throws UserError of kind `usage`
 */
export function forwardSettings(
  flags: ForwardChoice,
  passed?: PassedSockets,
): Required<ForwardSettings> {
  return {
    ...(passed === undefined ? forwarderPlace(flags) : { ...WHOLE, listen: passed }),
    target: parseTarget(mainTarget(flags)),
    headers: (flags.header ?? []).map(parseHeaderFlag),
    browsers: browserPolicy(flags),
  };
}

function forwarderPlace(flags: ForwardChoice): ForwarderPlace {
  const whole = WHOLE.flag;
  const listen = fromSetting(whole, () => parseListenAddress(flags['forward-listen'], PORT));
  const host = flags.address ?? listen.host;
  const hostFlag = flags.address === undefined ? whole : '--address';
  fromSetting(hostFlag, () => requireLoopback(host, flags['allow-open']));
  return {
    listen: { host, port: flags.port ?? listen.port },
    flag: flags.port === undefined ? whole : '--port',
    hostFlag,
  };
}
