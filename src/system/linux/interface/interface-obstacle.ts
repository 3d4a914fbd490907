/** Finds obstacles to creating a tun device, without creating a device and without using koffi. */
import { access, constants, readFile } from 'node:fs/promises';

import type { PacketInterfaceRefusal } from '../../../ports/packet-interfaces.js';
import { codeOf } from '../../../lib/errors/error-message.js';

/** The capability's number in linux/capability.h. */
const CAP_NET_ADMIN = 12n;

/** The system's folders; tests pass other folders. */
export interface SystemFolders {
  readonly dev: string;
  readonly proc: string;
  readonly sys: string;
}

const SYSTEM: SystemFolders = { dev: '/dev', proc: '/proc', sys: '/sys' };

/**
 * @param name the requested interface; empty for any
 * @param uid the user ID of this process
 * @returns undefined if no obstacle is known
 */
export async function interfaceObstacle(
  name: string,
  uid: number,
  folders: SystemFolders = SYSTEM,
): Promise<PacketInterfaceRefusal | undefined> {
  try {
    await access(`${folders.dev}/net/tun`, constants.R_OK | constants.W_OK);
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'no-driver' : 'no-access';
  }
  if (await hasNetAdmin(folders)) return undefined;
  return (await isMadeFor(uid, name, folders)) ? undefined : 'not-permitted';
}

async function hasNetAdmin({ proc }: SystemFolders): Promise<boolean> {
  const status = await readFile(`${proc}/self/status`, 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** Whether the user already has the interface, as after `ip tuntap add NAME mode tun user USER`. */
async function isMadeFor(uid: number, name: string, { sys }: SystemFolders): Promise<boolean> {
  if (name === '' || name.includes('/')) return false;
  try {
    return Number(await readFile(`${sys}/class/net/${name}/owner`, 'utf8')) === uid;
  } catch {
    return false;
  }
}
