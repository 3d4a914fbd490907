/** Removes what a killed `up` left behind: routes, rules, and the kernel's WireGuard interface. */
import { codeOf, isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { InterfaceLeftovers } from '../../ports/packet-interfaces.js';
import type { Log } from '../../ports/log.js';
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

/**
 * Removes the interface that a killed `up --mode kernel` with this key left behind, and in which the
 * kernel keeps the tunnel open. Call this only if no other process can be using the key.
 *
 * @throws UserError if the operating system refuses, because the two tunnels would keep
 * disconnecting each other
 */
export async function removeKilledTunnel(
  publicKey: Uint8Array,
  { interfaceLeftovers, log }: KilledTunnelPorts,
): Promise<void> {
  const leftovers = await interfaceLeftovers?.();
  const name = leftovers && findKilledTunnel(publicKey, leftovers, log);
  if (leftovers === undefined || name === undefined) return;
  try {
    leftovers.removeInterface(name);
  } catch (error) {
    throw new UserError(isDenied(error) ? 'permission' : 'tunnel', {
      what: 'cannot open the tunnel',
      why: `an "arctun up" that was killed left behind the network interface ${name}, which is still using this SIM and cannot be removed (${messageOf(error)})`,
      next: [
        `Remove the interface: sudo ip link delete ${name}.`,
        'Or add --force (the two tunnels will then keep disconnecting each other).',
      ],
      cause: error,
    });
  }
  log.info({ interface: name }, 'removed the network interface of an arctun that was killed');
}

interface KilledTunnelPorts {
  readonly interfaceLeftovers?: (() => Promise<InterfaceLeftovers | undefined>) | undefined;
  readonly log: Log;
}

/** Ignores errors, because userspace mode works even if the system does not list its interfaces. */
function findKilledTunnel(
  publicKey: Uint8Array,
  leftovers: InterfaceLeftovers,
  log: Log,
): string | undefined {
  try {
    return leftovers.kernelInterface(publicKey);
  } catch (error) {
    const reason = messageOf(error);
    log.debug({ reason }, 'cannot detect whether a killed arctun left behind a network interface');
    return undefined;
  }
}
