import type { PortForward } from '../../../proxy/port-forward/port-forward.js';
import { parseForward } from '../../../proxy/port-forward/forward-spec.js';
import { requireLoopbackForwards } from '../../../proxy/port-forward/port-forwards.js';
import { fromSetting } from '../../../lib/errors/from-setting.js';
import * as Flags from '../flag.js';

/** Flags for port forwards, with ssh's letters. */
export const portForwardFlags = Flags.grouped('Listener', {
  'local-forward': Flags.list({
    char: 'L',
    description:
      'Forward a local port or Unix socket to a host inside the tunnel, as ssh -L does; add /udp for UDP. Repeatable.',
    helpValue: '[BIND:]PORT:HOST:HOSTPORT',
  }),
  'remote-forward': Flags.list({
    char: 'R',
    description:
      "Forward a port of the virtual SIM's address to a service on this machine or its network, as ssh -R does; add /udp for UDP. Repeatable.",
    helpValue: 'PORT:HOST:HOSTPORT',
  }),
});

type PortForwardChoice = Flags.FlagValues<typeof portForwardFlags> & {
  readonly 'allow-open': boolean;
};

/** @throws UserError of kind `usage` */
export function portForwards(flags: PortForwardChoice): readonly PortForward[] {
  const local = (flags['local-forward'] ?? []).map((text) => parseForward('local', text));
  const remote = (flags['remote-forward'] ?? []).map((text) => parseForward('remote', text));
  fromSetting('--local-forward', () => requireLoopbackForwards(local, flags['allow-open']));
  return [...local, ...remote];
}
