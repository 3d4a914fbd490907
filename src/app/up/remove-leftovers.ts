/** Removes the blocking routes and the default route's rules that a killed `up --mode tun` left. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { InterfaceLeftovers } from '../../ports/packet-interfaces.js';
import { RIGHT } from './open-interface.js';

/**
 * @param name the interface's name in arc.json
 * @param leftovers undefined if this operating system has no network interfaces
 * @returns the number of removed routes and rules
 * @throws UserError if the interface exists, or if the operating system refuses
 */
export function removeLeftovers(name: string, leftovers: InterfaceLeftovers | undefined): number {
  const what = 'cannot remove what a killed "up" has left';
  if (leftovers === undefined) {
    throw new UserError('failed', {
      what,
      why: 'mode tun needs Linux and koffi, which does not load here',
      next: ['Where "up --mode tun" has never run, nothing is left.'],
    });
  }
  if (name === '') {
    throw new UserError('configuration', {
      what,
      why: 'the configuration names no interface, and routes are found by its name',
      next: ['Set interface in arc.json to the name that "up" has used.'],
    });
  }
  if (leftovers.isInUse(name)) {
    throw new UserError('failed', {
      what,
      why: `the network interface ${name} exists: its tunnel needs these routes`,
      next: [`Stop the "arctun up" that runs there, or remove it: sudo ip link delete ${name}.`],
    });
  }
  try {
    return leftovers.remove(name);
  } catch (error) {
    const isForbidden = codeOf(error) === 'EPERM';
    const text = { what, why: messageOf(error), next: isForbidden ? [RIGHT] : [] };
    throw new UserError(isForbidden ? 'permission' : 'failed', text, { cause: error });
  }
}
