/** Assigns the sockets of the service manager to the listeners of `up`, by their names. */
import { UserError } from '../../../lib/errors/user-error.js';
import type { PassedSocket } from '../../../ports/passed-socket.js';
import type { PassedSockets } from '../../../proxy/open-passed-sockets.js';
import { hasProxyPassword, PASSWORD_ADVICE, PROXY_OFF } from './proxy-flags.js';

/** The sockets of each listener; undefined if the listener opens its own. */
export interface PassedListeners {
  readonly forward?: PassedSockets | undefined;
  readonly proxy?: PassedSockets | undefined;
}

interface ListenerChoice {
  readonly mode: string;
  readonly 'proxy-listen': string | undefined;
  readonly 'proxy-password-file'?: string | undefined;
  readonly 'allow-open': boolean;
}

const NAMES = ['forward', 'proxy'] as const;

/**
 * @param env the environment, which may contain a password of the proxy
 * @throws UserError of kind `configuration` for an unknown name, of kind `usage` for sockets that no
 * listener uses: their clients would wait forever
 */
export function passedListeners(
  sockets: readonly PassedSocket[],
  flags: ListenerChoice,
  env: Readonly<Record<string, string | undefined>>,
): PassedListeners {
  const stranger = sockets.find(({ name }) => !NAMES.some((known) => known === name));
  if (stranger !== undefined) throw unknownName(stranger.name);
  const [any] = sockets;
  if (any !== undefined && (flags.mode === 'tun' || flags.mode === 'kernel'))
    throw unused(any.name, `--mode=${flags.mode}`, 'in this mode, arctun does not run listeners');
  const named = (wanted: string) => sockets.filter(({ name }) => name === wanted);
  const [forward, proxy] = [named('forward'), named('proxy')];
  if (proxy.length > 0 && flags['proxy-listen'] === PROXY_OFF)
    throw unused('proxy', `--proxy-listen=${PROXY_OFF}`, 'the proxy is off');
  const allowOpen = flags['allow-open'];
  const isGuarded = allowOpen || hasProxyPassword(flags, env);
  return {
    forward: forward.length === 0 ? undefined : { passed: forward, allowOpen },
    proxy:
      proxy.length === 0
        ? undefined
        : { passed: proxy, allowOpen: isGuarded, otherwise: [PASSWORD_ADVICE] },
  };
}

function unknownName(name: string): UserError {
  return new UserError('configuration', {
    what: `cannot use the socket ${JSON.stringify(name)} of the service manager`,
    why: 'the name does not select a listener',
    next: [
      'In the socket unit, set FileDescriptorName=forward or FileDescriptorName=proxy.',
      // systemd then passes a connection with this name instead of a listening socket.
      ...(name === 'connection' ? ['Also set Accept=no.'] : []),
    ],
  });
}

function unused(name: string, flag: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot use the socket ${JSON.stringify(name)} of the service manager with ${flag}`,
    why,
    next: [`Disable the socket unit, or remove ${flag}.`],
  });
}
