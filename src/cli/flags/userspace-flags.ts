import { UserError } from '../../lib/errors/user-error.js';
import type { CommandLineToken } from './flag.js';
import { forwardFlags } from './forward-flags.js';
import { proxyFlags } from './proxy-flags.js';
import { congestionFlag } from './tunnel-flags.js';

// --allow-open is for --status-listen as well, which both modes have.
const USERSPACE_FLAGS = new Set(
  [...Object.keys({ ...forwardFlags, ...proxyFlags, ...congestionFlag }), 'forward-to'].filter(
    (name) => name !== 'allow-open',
  ),
);

/**
 * What was asked for on the command line that userspace alone has, as `--port`; undefined for nothing.
 * What stands in the environment stands there for every mode.
 *
 * @param tokens what the command line was parsed into
 */
export function userspaceFlag(tokens: readonly CommandLineToken[]): string | undefined {
  for (const token of tokens) {
    if (token.type === 'flag' && USERSPACE_FLAGS.has(token.flag)) return `--${token.flag}`;
  }
  return undefined;
}

/** What asks for a listener in the environment of a container. */
const LISTENER_VARIABLES = [
  forwardFlags['forward-listen'].env,
  proxyFlags['proxy-listen'].env,
] as const;

/**
 * As userspaceFlag(), for the environment: where a listener is asked for there, nobody is to find an
 * interface in its place. With `--mode tun` it stands there for other modes.
 */
export function userspaceVariable(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return LISTENER_VARIABLES.find((name) => {
    const value = env[name] ?? '';
    return value !== '' && value !== 'off';
  });
}

/**
 * In mode tun nothing listens, and the kernel has the TCP: a flag that asks for either would be passed
 * over without a word.
 *
 * @param tokens what the command line was parsed into
 * @throws UserError of kind `usage`
 */
export function refuseUserspaceFlags(tokens: readonly CommandLineToken[]): void {
  const flag = userspaceFlag(tokens);
  if (flag === undefined) return;
  throw new UserError('usage', {
    what: `cannot use ${flag} with --mode tun`,
    why: 'programs reach the inside by the network interface: nothing listens here',
    next: ['Leave it out, or use --mode userspace.'],
  });
}
