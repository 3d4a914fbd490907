/** The flags of `up`. */
import { captureFlags } from '../run/capture.js';
import { budgetFlag } from './budget-flag.js';
import { configsFlag, stdinFlag } from './config-flags.js';
import { credentialFlags, renewalFlag } from './credential-flags.js';
import * as Flags from './flag.js';
import { browserFlags } from './listeners/browser-flags.js';
import { dnsSetupFlags } from './listeners/dns-setup-flags.js';
import { forwardFlags } from './listeners/forward-flags.js';
import { forwardToFlag } from './listeners/forward-targets.js';
import { dnsListenFlag, hostsFlag } from './listeners/name-flags.js';
import { portForwardFlags } from './listeners/port-forward-flags.js';
import { proxyFlags } from './listeners/proxy-flags.js';
import { statusListenFlag } from './listeners/status-listen-flag.js';
import { configuredLogFlags } from './log-flags.js';
import { spoolFlags } from './spool-flags.js';
import {
  congestionFlag,
  guardFlags,
  overrideFlags,
  socketFlag,
  tunnelFlags,
} from './tunnel-flags.js';

/** The flags; in each group of the help, the most used flags come first. */
export const upFlags = {
  ...configsFlag,
  ...tunnelFlags,
  ...forwardToFlag,
  ...overrideFlags,
  ...Flags.grouped('Tunnel', captureFlags),
  ...Flags.grouped('Tunnel', stdinFlag),
  ...congestionFlag,
  ...budgetFlag,
  ...socketFlag,
  ...guardFlags,
  ...dnsSetupFlags,
  ...proxyFlags,
  ...forwardFlags,
  ...portForwardFlags,
  ...hostsFlag,
  ...dnsListenFlag,
  ...statusListenFlag,
  ...browserFlags,
  ...spoolFlags,
  ...credentialFlags,
  ...renewalFlag,
  ...configuredLogFlags,
  json: Flags.boolean({ description: 'Print one line of JSON when the tunnel is up.' }),
};

/** The parsed command line of `up`. */
export type UpLine = Flags.ParsedLine<typeof upFlags>;
