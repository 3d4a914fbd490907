/** The inner side of an isolated program: prepares the namespaces that unshare(1) has created. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '../../../lib/errors/error-message.js';
import type { InsideIsolation, IsolatedNetworkOptions } from '../../../ports/isolation.js';
import type { PacketInterface } from '../../../ports/packet-interfaces.js';
import { parseIpAddress } from '../../../wire/ip-address.js';
import { Rtnetlink } from '../interface/rtnetlink.js';
import { openTunInterface } from '../interface/tun-interface.js';
import { type Libc, libcFailure, loadLibc, SystemCallError } from '../libc.js';
import { refusalOf } from '../libc.js';
import { CAP_NET_BIND_SERVICE, CAP_NET_RAW, keepCapabilities } from './capabilities.js';
import { removeFolder } from './isolation.js';
import { endPrograms, networkOf } from './namespace-programs.js';

const MS_BIND = 4096;

const RESOLV_CONF = '/etc/resolv.conf';

/** The groups that may open ping sockets (icmp(7)). */
const PING_GROUPS = '/proc/sys/net/ipv4/ping_group_range';

/**
 * The sockets through which the C library's modules ask a service outside the namespaces for names:
 * nss-resolve, nscd and nss-mdns.
 */
const NAME_SERVICES = [
  '/run/systemd/resolve/io.systemd.Resolve',
  '/run/nscd/socket',
  '/run/avahi-daemon/socket',
];

/** @throws Error if koffi cannot be loaded, which the process outside has checked */
export async function insideIsolation(): Promise<InsideIsolation> {
  const libc = await loadLibc();
  if (libc === undefined) throw new Error(libcFailure());

  return {
    network: () => networkOf('self'),
    endPrograms: (network) => endPrograms(network),
    removeFolder,
    // A promise, so that a synchronous error becomes a rejection.
    openNetwork: (options) => Promise.resolve().then(() => openNetwork(libc, options)),
    setNameServer: (address, folder) => setNameServer(libc, address, folder),
    dropRights: () => dropRights(libc),
  };
}

function openNetwork(libc: Libc, { addresses, mtu }: IsolatedNetworkOptions): PacketInterface {
  const device = openTunInterface(libc, 'arctun0');
  const netlink = new Rtnetlink(libc);
  try {
    const index = indexOf(netlink, device.name);
    netlink.setUp(indexOf(netlink, 'lo'));
    netlink.setMtu(index, mtu);
    netlink.setUp(index);
    for (const text of addresses) addAddress(netlink, index, text);
    return device;
  } catch (error) {
    device.close();
    throw error;
  } finally {
    netlink.close();
  }
}

function indexOf(netlink: Rtnetlink, name: string): number {
  return netlink.interfaceIndex(name) ?? 0;
}

/** Adds the address, and the default route of its family. */
function addAddress(netlink: Rtnetlink, interfaceIndex: number, text: string): void {
  const address = parseIpAddress(text);
  if (address === undefined) throw new TypeError(`${text} must be an IP address`);
  const isIpv6 = address.length === 16;
  const own = { address, prefixLength: address.length * 8 };
  const refusal = refusalOf(() => netlink.addAddress(interfaceIndex, own));
  // A setting of the system turns off IPv6. Programs then report that the network is unreachable.
  if (refusal !== undefined && isIpv6) return;
  if (refusal !== undefined) throw refusal;
  const everything = { address: new Uint8Array(address.length), prefixLength: 0 };
  const route = refusalOf(() => netlink.addRoute({ destination: everything, interfaceIndex }));
  if (route !== undefined && route.code !== 'EEXIST') throw route;
}

async function setNameServer(libc: Libc, address: string, folder: string): Promise<boolean> {
  const own = join(folder, 'resolv.conf');
  const empty = join(folder, 'empty');
  await writeFile(
    own,
    `# The DNS of the tunnel, for "arctun exec --netns".\nnameserver ${address}\n`,
  );
  await writeFile(empty, '');
  try {
    for (const socket of NAME_SERVICES) bind(libc, empty, socket);
    return bind(libc, own, RESOLV_CONF);
  } finally {
    // The mounts keep the files.
    await Promise.all([own, empty].map((path) => rm(path, { force: true })));
  }
}

/**
 * Mounts a file over another one.
 *
 * @returns false if the other file does not exist
 * @throws SystemCallError
 */
function bind(libc: Libc, source: string, target: string): boolean {
  const mount = libc.bind(
    'int mount(const char *, const char *, const char *, unsigned long, const char *)',
  );
  if (mount(source, target, null, MS_BIND, null) === 0) return true;
  const error = new SystemCallError(`mount ${target}`, libc.errno());
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
  throw error;
}

async function dropRights(libc: Libc): Promise<void> {
  const group = process.getegid?.() ?? 0;
  let kept: readonly number[] = [];
  try {
    await writeFile(PING_GROUPS, `${group} ${group}`);
  } catch {
    // /proc/sys is read-only, as in some containers.
    if (!(await canPing(group))) kept = [CAP_NET_RAW];
  }
  const bounding = [CAP_NET_BIND_SERVICE, CAP_NET_RAW];
  keepCapabilities(libc, { kept, bounding });
}

async function canPing(group: number): Promise<boolean> {
  try {
    const [first = 1, last = 0] = (await readFile(PING_GROUPS, 'utf8'))
      .trim()
      .split(/\s+/)
      .map(Number);
    return first <= group && group <= last;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}
