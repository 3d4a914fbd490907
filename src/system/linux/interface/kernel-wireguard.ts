/** Interfaces of the kernel's own WireGuard, configured as wg(8) does. */
import { constants } from 'node:os';

import type {
  KernelDevice,
  KernelDeviceChange,
  KernelInterface,
  KernelWireGuard,
} from '../../../ports/kernel-wireguard.js';
import type {
  ConfiguredInterface,
  InterfaceSettings,
  PacketInterfaceRefusal,
} from '../../../ports/packet-interfaces.js';
import { parseIpAddress } from '../../../wire/ip-address.js';
import { type Libc, SystemCallError } from '../libc.js';
import { isDone, refusalOf } from '../libc.js';
import { SocketAddresses } from '../udp/socket-address.js';
import { InterfaceError } from './interface-error.js';
import { setUpInterface } from './interface-setup.js';
import type { LinkState } from './link-messages.js';
import { NetlinkSocket } from './netlink-socket.js';
import { Rtnetlink } from './rtnetlink.js';
import {
  decodeDevice,
  decodeFamily,
  getDevice,
  getFamily,
  setDevice,
} from './wireguard-messages.js';

const NETLINK_GENERIC = 16;

const KIND = 'wireguard';

/** The maximum number of names to try for a pattern. */
const MAX_NAMES = 100;

export function kernelWireGuard(libc: Libc): KernelWireGuard {
  return {
    create(name, publicKey) {
      const links = new Rtnetlink(libc);
      try {
        return openInterface(libc, links, createLink(links, name), publicKey);
      } catch (error) {
        links.close();
        if (!(error instanceof SystemCallError)) throw error;
        throw new InterfaceError(refusalFor(error.code), error);
      }
    },
  };
}

/** Returns the interface that is marked with this key; undefined if none exists. */
export function findInterface(links: Rtnetlink, publicKey: Uint8Array): LinkState | undefined {
  const alias = aliasOf(publicKey);
  return links.listLinks().find((link) => link.kind === KIND && link.alias === alias);
}

function openInterface(
  libc: Libc,
  links: Rtnetlink,
  name: string,
  publicKey: Uint8Array,
): KernelInterface {
  const index = indexOf(links, name);
  try {
    links.setAlias(index, aliasOf(publicKey));
    return new WireGuardInterface(new WireGuardDevices(libc), links, { name, index });
  } catch (error) {
    isDone(() => links.deleteLink(index));
    throw error;
  }
}

/** Returns the name of the created interface. */
function createLink(links: Rtnetlink, name: string): string {
  for (const candidate of candidates(name === '' ? 'wg%d' : name)) {
    const refusal = refusalOf(() => links.addLink(candidate, KIND));
    if (refusal === undefined) return candidate;
    if (refusal.code !== 'EEXIST') throw refusal;
  }
  throw new InterfaceError('name-taken', new Error('an interface with this name already exists'));
}

/** The alias that marks an interface as this tunnel's, so that no other interface is replaced. */
function aliasOf(publicKey: Uint8Array): string {
  return `arctun ${Buffer.from(publicKey).toString('base64')}`;
}

/** Replaces `%d` in a name by numbers, as the kernel does for tun devices. */
function candidates(name: string): readonly string[] {
  if (!name.includes('%d')) return [name];
  return Array.from({ length: MAX_NAMES }, (_, number) => name.replace('%d', String(number)));
}

function indexOf(links: Rtnetlink, name: string): number {
  const index = links.interfaceIndex(name);
  if (index === undefined) throw new SystemCallError('link', constants.errno.ENODEV);
  return index;
}

function refusalFor(code: string): PacketInterfaceRefusal {
  switch (code) {
    case 'EPERM':
      return 'not-permitted';
    // The same number as EOPNOTSUPP.
    case 'ENOTSUP':
      return 'no-wireguard';
    case 'EINVAL':
    case 'ERANGE':
      return 'bad-name';
    default:
      return 'failed';
  }
}

/** WireGuard's generic netlink family, which exists after the first interface. */
class WireGuardDevices {
  readonly #socket: NetlinkSocket;
  readonly #addresses: SocketAddresses;
  readonly #family: number;

  constructor(libc: Libc) {
    this.#addresses = new SocketAddresses(libc);
    this.#socket = new NetlinkSocket(libc, NETLINK_GENERIC);
    const reply = this.#socket.ask(getFamily());
    const family = reply && decodeFamily(reply);
    if (family === undefined) {
      this.#socket.close();
      throw new InterfaceError('no-wireguard', new Error('netlink has no family wireguard'));
    }
    this.#family = family;
  }

  set(index: number, change: KernelDeviceChange): void {
    for (const request of setDevice(this.#family, index, change, this.#addresses)) {
      try {
        this.#socket.change('wireguard set', request);
      } finally {
        request.body.fill(0);
      }
    }
  }

  /** Returns undefined if the interface does not exist. */
  read(index: number): KernelDevice | undefined {
    try {
      const request = getDevice(this.#family, index);
      const messages = this.#socket.list('wireguard get', request, (message) => message);
      return decodeDevice(messages, this.#addresses);
    } catch (error) {
      // ENOENT: the module was unloaded, which removes its interfaces.
      const isGone = error instanceof SystemCallError && /^(ENODEV|ENOENT)$/.test(error.code);
      if (isGone) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

class WireGuardInterface implements KernelInterface {
  readonly name: string;
  readonly #index: number;
  readonly #links: Rtnetlink;
  readonly #devices: WireGuardDevices;
  #isRemoved = false;

  /** Takes ownership of both sockets. */
  constructor(
    devices: WireGuardDevices,
    links: Rtnetlink,
    { name, index }: { readonly name: string; readonly index: number },
  ) {
    this.name = name;
    this.#index = index;
    this.#links = links;
    this.#devices = devices;
  }

  set(change: KernelDeviceChange): void {
    this.#devices.set(this.#index, change);
    const publicKey = change.privateKey && this.read()?.publicKey;
    if (publicKey !== undefined) this.#links.setAlias(this.#index, aliasOf(publicKey));
  }

  read(): KernelDevice | undefined {
    return this.#isRemoved ? undefined : this.#devices.read(this.#index);
  }

  routeError(address: string, fwmark: number): Error | undefined {
    const ip = parseIpAddress(address);
    // A zone names the interface to use.
    if (ip === undefined) return undefined;
    return refusalOf(() => {
      const leavesThrough = this.#links.routeTo(ip, fwmark);
      if (leavesThrough !== this.#index) return;
      throw new SystemCallError(`route to ${address} through ${this.name}`, constants.errno.ELOOP);
    });
  }

  configure(settings: InterfaceSettings): ConfiguredInterface {
    return setUpInterface(this.#links, this.name, settings);
  }

  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    isDone(() => this.#links.deleteLink(this.#index));
    this.#links.close();
    this.#devices.close();
  }
}
