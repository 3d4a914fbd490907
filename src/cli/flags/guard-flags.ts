import { UserError } from '../../lib/errors/user-error.js';
import { grouped } from './flag.js';

/** Flags that control traffic after a network interface is gone. */
export const guardFlags = grouped('Tunnel', {
  'kill-switch': {
    type: 'boolean',
    description:
      'With --mode tun: when the tunnel fails or is killed, block what a default route sends into it, until a stop or --cleanup.',
    env: 'ARCTUN_KILL_SWITCH',
  },
  cleanup: {
    type: 'boolean',
    description: 'Open no tunnel: remove the routes and rules that a killed "up" has left.',
  },
});

/**
 * Requires `--mode tun` for the kill switch, because userspace mode would silently ignore it.
 *
 * @throws UserError `usage` if `--kill-switch` is used in another mode
 */
export function requireTunForKillSwitch(flags: {
  readonly mode: string;
  readonly 'kill-switch': boolean;
}): void {
  if (!flags['kill-switch'] || flags.mode === 'tun') return;
  throw new UserError('usage', {
    what: `cannot use --kill-switch with --mode ${flags.mode}`,
    why: 'it blocks routes of this machine, and a tunnel in userspace has none',
    next: ['Use --mode tun.'],
  });
}
