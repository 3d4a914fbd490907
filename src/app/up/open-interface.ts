/** Creates the network interface for tun mode, and explains failures to the user. */
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import type { InterfaceTunnel, InterfaceTunnels } from '../../tunnel/interface/interface-tunnel.js';
import type { PacketInterfaceError } from '../../ports/packet-interfaces.js';

/** Advice for users who do not have permission to create a network interface. */
export const RIGHT =
  'Run as root, or give a copy of node the capability: cp "$(command -v node)" node-tun && sudo setcap cap_net_admin+ep node-tun && ./node-tun "$(command -v arctun)" up, with the same flags. For the single executable, run: sudo setcap cap_net_admin+ep FILE.';
export const USERSPACE = 'Or use --mode=userspace, which does not need privileges.';

/** @param name empty if the operating system chooses the name */
function inAdvance(name: string): string {
  return `Or create the interface beforehand: sudo ip tuntap add ${name === '' ? 'soratun0' : name} mode tun user "$(id -un)". Then run the same command again: it reports what else it needs.`;
}

/**
 * @param name the name in arc.json; empty if the operating system chooses the name
 * @param source the configuration's name in messages
 * @throws UserError of kind `permission` if a permission is missing
 */
export async function openInterface(
  tunnels: InterfaceTunnels,
  name: string,
  source: string,
  mode: InterfaceTunnel['mode'] = 'tun',
): Promise<InterfaceTunnel> {
  try {
    return await tunnels.open(name);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw refused({ name, source, mode }, error);
  }
}

/** @param reason why koffi cannot be loaded */
export function noInterfaces(mode: 'tun' | 'kernel', reason: string | undefined): UserError {
  const koffi = `koffi, but koffi cannot be loaded here${reason === undefined ? '' : ` (${reason})`}`;
  return new UserError('failed', {
    what: 'cannot create a network interface',
    why: `${mode} mode needs Linux and ${koffi}`,
    next: ['Use --mode=userspace.'],
  });
}

export function isRefusal(error: unknown): error is PacketInterfaceError {
  return error instanceof Error && 'refusal' in error;
}

interface Wanted {
  readonly name: string;
  readonly source: string;
  readonly mode: InterfaceTunnel['mode'];
}

function refused({ name, source, mode }: Wanted, error: PacketInterfaceError): UserError {
  const what = `cannot create the network interface ${name === '' ? '(any name)' : name}`;
  const fail = (kind: FailureKind, why: string, next: readonly string[]) =>
    new UserError(kind, { what, why, next, cause: error });
  // Only a tun device can be created in advance for a user without privileges.
  const rights = [RIGHT, ...(mode === 'tun' ? [inAdvance(name)] : []), USERSPACE];
  switch (error.refusal) {
    case 'not-permitted':
      return fail('permission', 'this requires the capability CAP_NET_ADMIN', rights);
    case 'no-access':
      return fail('permission', 'this user is not permitted to open /dev/net/tun', rights);
    case 'no-driver':
      return fail('failed', '/dev/net/tun does not exist', [
        'Load the driver: sudo modprobe tun. In a container, add --device /dev/net/tun --cap-add NET_ADMIN.',
        USERSPACE,
      ]);
    case 'no-wireguard':
      return fail('failed', "this machine's kernel does not support WireGuard", [
        'Load the module: sudo modprobe wireguard. It is part of Linux 5.6 and later.',
        'Or use --mode=tun, which does not need the module.',
      ]);
    case 'name-taken':
      return fail('failed', 'an interface with this name already exists', [
        'Stop any tunnel that is using this interface: two tunnels with the same key keep disconnecting each other.',
        `Or set another interface name in ${source}.`,
      ]);
    case 'bad-name':
      return fail('configuration', 'the name is not a valid interface name', [
        `In ${source}, set an interface name of at most 15 letters and digits.`,
      ]);
    case 'failed':
      return fail('failed', error.message, [USERSPACE]);
  }
}
