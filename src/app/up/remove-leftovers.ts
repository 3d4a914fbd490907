/** Removes blocking routes and default-route rules that a killed `up --mode tun` left behind. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { InterfaceLeftovers } from '../../ports/packet-interfaces.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { RIGHT } from './open-interface.js';

/**
 * @param arcConfig contains the interface's name
 * @param leftovers undefined if this operating system has no network interfaces
 * @returns the number of removed routes and rules
 * @throws UserError if the interface exists, or if the operating system refuses
 */
export function removeLeftovers(
  { config: { interface: name }, source }: Pick<LoadedArcConfig, 'config' | 'source'>,
  leftovers: InterfaceLeftovers | undefined,
): number {
  const what = 'cannot clean up after an "arctun up" that was killed';
  if (leftovers === undefined) {
    throw new UserError('failed', {
      what,
      why: 'tun mode needs Linux and koffi, but koffi cannot be loaded here',
      next: [
        'Ignore this if "up --mode tun" has never run on this machine: there is nothing to clean up.',
      ],
    });
  }
  if (name === '') {
    throw new UserError('configuration', {
      what,
      why: 'the configuration does not contain the interface name, which is needed to find the routes',
      next: [`In ${source}, set interface to the name that "arctun up" used.`],
    });
  }
  if (leftovers.isInUse(name)) {
    throw new UserError('failed', {
      what,
      why: `the network interface ${name} still exists, and its tunnel needs these routes`,
      next: [
        `Stop the "arctun up" that is using the interface, or remove the interface: sudo ip link delete ${name}.`,
      ],
    });
  }
  try {
    return leftovers.remove(name);
  } catch (error) {
    const isForbidden = codeOf(error) === 'EPERM';
    const text = { what, why: messageOf(error), next: isForbidden ? [RIGHT] : [], cause: error };
    throw new UserError(isForbidden ? 'permission' : 'failed', text);
  }
}
