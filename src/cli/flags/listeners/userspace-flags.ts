import { cannotUse } from '../../../lib/errors/user-error.js';
import { budgetFlag } from '../budget-flag.js';
import type { CommandLineToken } from '../flag.js';
import { forwardFlags } from './forward-flags.js';
import { forwardToFlag } from './forward-targets.js';
import { dnsListenFlag, hostsFlag } from './name-flags.js';
import { portForwardFlags } from './port-forward-flags.js';
import { proxyFlags } from './proxy-flags.js';
import { spoolFlags } from '../spool-flags.js';
import { congestionFlag, hasInterface } from '../tunnel-flags.js';

// Exclude --allow-open, because --status-listen uses it in both modes.
const USERSPACE_FLAGS = new Set(
  Object.keys({
    ...forwardFlags,
    ...portForwardFlags,
    ...proxyFlags,
    ...hostsFlag,
    ...dnsListenFlag,
    ...congestionFlag,
    ...budgetFlag,
    ...forwardToFlag,
    ...spoolFlags,
  }).filter((name) => name !== 'allow-open'),
);

/**
 * Returns the first flag on the command line that only userspace mode supports, such as `--port`;
 * undefined if no such flag is given. Ignores environment variables, because they apply to every
 * mode.
 *
 * @param tokens the parsed command line
 */
export function userspaceFlag(tokens: readonly CommandLineToken[]): string | undefined {
  for (const token of tokens) {
    if (token.type === 'flag' && USERSPACE_FLAGS.has(token.flag)) return `--${token.flag}`;
  }
  return undefined;
}

/** Environment variables that request a listener, a spool or a budget, typically in a container. */
const USERSPACE_VARIABLES = [
  'ARCTUN_FORWARD_LISTEN',
  'ARCTUN_PROXY_LISTEN',
  'ARCTUN_DNS_LISTEN',
  'ARCTUN_BUDGET',
  'ARCTUN_SPOOL',
];

/**
 * Returns the environment variable that requests a listener, a spool or a budget, if any. In mode
 * `auto` the variable selects userspace mode. The other modes ignore a listener and a spool, and
 * refuse a budget.
 */
export function userspaceVariable(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return USERSPACE_VARIABLES.find((name) => {
    const value = env[name] ?? '';
    return value !== '' && value !== 'off';
  });
}

/**
 * Rejects userspace flags in tun mode and kernel mode: these modes have no listeners and use the
 * kernel's TCP, so they would silently ignore the flags.
 *
 * @param tokens the parsed command line
 * @param setup the value of --dns-setup, which uses the name servers of --dns in these modes
 * @throws UserError of kind `usage`
 */
export function refuseUserspaceFlags(
  tokens: readonly CommandLineToken[],
  mode: string,
  setup = 'off',
): void {
  if (!hasInterface(mode)) return;
  const isUsed = (token: CommandLineToken) =>
    setup !== 'off' && token.type === 'flag' && token.flag === 'dns';
  const flag = userspaceFlag(tokens.filter((token) => !isUsed(token)));
  if (flag === undefined) return;
  throw cannotUse(
    `${flag} with --mode=${mode}`,
    'in this mode, programs use the network interface, and arctun does not run listeners or a TCP stack',
    `Remove ${flag}, or use --mode=userspace.`,
  );
}
