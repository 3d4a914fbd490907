import { UserError } from '../../lib/errors/user-error.js';
import { grouped } from './flag.js';

/** Flags that control traffic after a network interface is removed. */
export const guardFlags = grouped('Tunnel', {
  'kill-switch': {
    type: 'boolean',
    description:
      "With --mode tun or kernel: if the tunnel fails or arctun is killed, block traffic that would otherwise use the tunnel's default route. To unblock the traffic, use --cleanup, or start arctun again and stop it normally.",
    env: 'ARCTUN_KILL_SWITCH',
  },
  cleanup: {
    type: 'boolean',
    description:
      'Remove the routes and rules left behind by an "arctun up" that was killed, then exit.',
  },
});

/**
 * Requires a mode with an interface for the kill switch, because userspace mode would silently
 * ignore the flag.
 *
 * @throws UserError `usage` if `--kill-switch` is used in another mode
 */
export function requireInterfaceForKillSwitch(flags: {
  readonly mode: string;
  readonly 'kill-switch': boolean;
}): void {
  if (!flags['kill-switch'] || flags.mode === 'tun' || flags.mode === 'kernel') return;
  throw new UserError('usage', {
    what: `cannot use --kill-switch with --mode=${flags.mode}`,
    why: 'the kill switch needs routes on this machine, and a userspace tunnel does not add routes',
    next: ['Use --mode=tun.'],
  });
}
