/** Checks for what a killed `up` has left behind: a kernel interface with the key, and routes. */
import { isDenied, messageOf } from '../../lib/errors/error-message.js';
import type { InterfaceLeftovers } from '../../ports/packet-interfaces.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { removeLeftovers } from '../up/remove-leftovers.js';
import { commandFor } from '../../lib/text/config-name.js';
import { type Check, failed, ok, skipped } from './check.js';

export interface CheckedLeftovers {
  readonly check: Check;
  /** Whether the kernel still keeps a tunnel with this key open. */
  readonly isTunnelOpen: boolean;
}

/**
 * @param publicKey the tunnel's own key
 * @param isInUse whether a process on this machine is using the key, so that nothing is left over
 * @param leftovers undefined if this system has no network interfaces
 */
export function checkLeftovers(
  arcConfig: LoadedArcConfig,
  publicKey: Uint8Array,
  isInUse: boolean,
  leftovers: InterfaceLeftovers | undefined,
): CheckedLeftovers {
  const killed = isInUse ? undefined : leftovers?.kernelInterface(publicKey);
  if (killed !== undefined && leftovers !== undefined) {
    return { check: leftInterface(killed, leftovers), isTunnelOpen: true };
  }
  return { check: checkRoutes(arcConfig, isInUse, leftovers), isTunnelOpen: false };
}

function checkRoutes(
  arcConfig: LoadedArcConfig,
  isInUse: boolean,
  leftovers: InterfaceLeftovers | undefined,
): Check {
  if (leftovers === undefined) {
    return skipped('leftovers', 'this system cannot list network interfaces (no Linux or koffi)');
  }
  if (isInUse) return ok('leftovers', 'The SIM is in use, and nothing is left over.');
  const { interface: name } = arcConfig.config;
  const count = name === '' || leftovers.isInUse(name) ? 0 : leftovers.count(name);
  if (count > 0) return leftRoutes(count, arcConfig, leftovers);
  return ok('leftovers', 'No earlier "up" has left anything behind.');
}

function leftInterface(name: string, leftovers: InterfaceLeftovers): Check {
  return failed('leftovers', {
    kind: 'tunnel',
    text: `The network interface ${name} is still using this SIM.`,
    cause: 'An "arctun up --mode kernel" was killed, and its tunnel stayed open in the kernel.',
    remedy: `Run as root: ip link delete ${name}`,
    fix: () => {
      leftovers.removeInterface(name);
      return Promise.resolve(`Removed the network interface ${name}.`);
    },
  });
}

function leftRoutes(
  count: number,
  arcConfig: LoadedArcConfig,
  leftovers: InterfaceLeftovers,
): Check {
  return failed('leftovers', {
    kind: 'tunnel',
    text: `${count === 1 ? '1 route' : `${count} routes`} of an earlier "up" still reject packets to the tunnel's addresses.`,
    cause: 'An "arctun up --mode tun" was killed, or stopped with --kill-switch.',
    remedy: `Run as root: ${commandFor('up --cleanup', arcConfig.path)}`,
    fix: () => {
      const removed = removeLeftovers(arcConfig, leftovers);
      return Promise.resolve(`Removed ${removed} routes and rules.`);
    },
  });
}

/** Says why a fix failed, in one sentence. */
export function fixFailure(error: unknown): string {
  return isDenied(error) || isDenied((error as Error).cause)
    ? '--fix could not do this, because this user lacks the permission.'
    : `--fix could not do this: ${messageOf(error)}.`;
}
