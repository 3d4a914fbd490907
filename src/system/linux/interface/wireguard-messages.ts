/**
 * Encodes and decodes the generic netlink messages of the kernel's WireGuard
 * (include/uapi/linux/wireguard.h).
 */
import type {
  KernelDevice,
  KernelDeviceChange,
  KernelPeer,
  KernelPeerChange,
} from '../../../ports/kernel-wireguard.js';
import type { IpPrefix } from '../../../wire/ip-address.js';
import { LITTLE_ENDIAN, readWord } from '../machine-word.js';
import { AF_INET, AF_INET6, type SocketAddresses } from '../udp/socket-address.js';
import type { NetlinkMessage, NetlinkRequest } from './netlink-message.js';
import * as netlink from './netlink-message.js';

/** The generic netlink controller, which assigns a message type to each family. */
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
/** The size of struct genlmsghdr: the command, the version and two reserved bytes. */
const GENERIC_HEADER = 4;

const WG_GENL_NAME = 'wireguard';
const WG_GENL_VERSION = 1;
const WG_CMD_GET_DEVICE = 0;
const WG_CMD_SET_DEVICE = 1;

const WGDEVICE_A_IFINDEX = 1;
const WGDEVICE_A_PRIVATE_KEY = 3;
const WGDEVICE_A_PUBLIC_KEY = 4;
const WGDEVICE_A_LISTEN_PORT = 6;
const WGDEVICE_A_FWMARK = 7;
const WGDEVICE_A_PEERS = 8;

const WGPEER_A_PUBLIC_KEY = 1;
const WGPEER_A_FLAGS = 3;
const WGPEER_A_ENDPOINT = 4;
const WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL = 5;
const WGPEER_A_LAST_HANDSHAKE_TIME = 6;
const WGPEER_A_RX_BYTES = 7;
const WGPEER_A_TX_BYTES = 8;
const WGPEER_A_ALLOWEDIPS = 9;

const WGPEER_F_REMOVE_ME = 1;
const WGPEER_F_REPLACE_ALLOWEDIPS = 2;
const WGPEER_F_UPDATE_ONLY = 4;

const WGALLOWEDIP_A_FAMILY = 1;
const WGALLOWEDIP_A_IPADDR = 2;
const WGALLOWEDIP_A_CIDR_MASK = 3;

/** Marks an attribute whose data consists of attributes (NLA_F_NESTED). */
const NESTED = 0x8000;

/** The maximum number of allowed IPs in one message. Its attributes hold at most 64 KiB. */
const PREFIXES_PER_MESSAGE = 1_000;

/** Asks for WireGuard's message type. It exists only if the module is loaded. */
export function getFamily(): NetlinkRequest {
  const attributes = [netlink.textAttribute(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME)];
  const body = netlink.encodeBody([CTRL_CMD_GETFAMILY, 1, 0, 0], [], attributes);
  return { type: GENL_ID_CTRL, flags: netlink.NLM_F_REQUEST, body };
}

/** Returns WireGuard's message type; undefined for a message of another type. */
export function decodeFamily({ type, body }: NetlinkMessage): number | undefined {
  if (type !== GENL_ID_CTRL) return undefined;
  const id = netlink.decodeAttributes(body, GENERIC_HEADER).get(CTRL_ATTR_FAMILY_ID);
  return id && viewOf(id).getUint16(0, LITTLE_ENDIAN);
}

/**
 * Encodes a change, in several requests. The caller wipes the bodies, because one contains the
 * private key.
 */
export function setDevice(
  family: number,
  interfaceIndex: number,
  { privateKey, fwmark, peers = [] }: KernelDeviceChange,
  addresses: SocketAddresses,
): NetlinkRequest[] {
  const index = netlink.numberAttribute(WGDEVICE_A_IFINDEX, interfaceIndex);
  const requests: NetlinkRequest[] = [];
  if (privateKey !== undefined) {
    const key = netlink.encodeAttribute(WGDEVICE_A_PRIVATE_KEY, privateKey.expose());
    requests.push(request(family, [index, key]));
    key.fill(0);
  }
  if (fwmark !== undefined) {
    requests.push(request(family, [index, netlink.numberAttribute(WGDEVICE_A_FWMARK, fwmark)]));
  }
  for (const peer of peers) {
    for (const attributes of peerAttributes(peer, addresses)) {
      const list = nested(WGDEVICE_A_PEERS, [nested(0, attributes)]);
      requests.push(request(family, [index, list]));
    }
  }
  return requests;
}

export function getDevice(family: number, interfaceIndex: number): NetlinkRequest {
  const attributes = [netlink.numberAttribute(WGDEVICE_A_IFINDEX, interfaceIndex)];
  const body = netlink.encodeBody([WG_CMD_GET_DEVICE, WG_GENL_VERSION, 0, 0], [], attributes);
  return { type: family, flags: netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, body };
}

/**
 * Decodes the messages of a device. A long list of allowed IPs continues in the next message, in a
 * peer with the same key. Wipes the private key, which the kernel includes in its reply.
 */
export function decodeDevice(
  messages: readonly NetlinkMessage[],
  addresses: SocketAddresses,
): KernelDevice {
  const device = { publicKey: new Uint8Array(32), listenPort: 0, fwmark: 0 };
  const peers = new Map<string, KernelPeer>();
  for (const { body } of messages) {
    const attributes = netlink.decodeAttributes(body, GENERIC_HEADER);
    attributes.get(WGDEVICE_A_PRIVATE_KEY)?.fill(0);
    device.publicKey = attributes.get(WGDEVICE_A_PUBLIC_KEY)?.slice() ?? device.publicKey;
    const port = attributes.get(WGDEVICE_A_LISTEN_PORT);
    if (port !== undefined) device.listenPort = viewOf(port).getUint16(0, LITTLE_ENDIAN);
    device.fwmark = netlink.readNumber(attributes.get(WGDEVICE_A_FWMARK)) ?? device.fwmark;
    for (const [, data] of netlink.listAttributes(attributes.get(WGDEVICE_A_PEERS) ?? NOTHING)) {
      const peer = decodePeer(data, addresses);
      const key = peer.publicKey.join();
      const known = peers.get(key);
      const { allowedIps } = peer;
      peers.set(key, known ? { ...known, allowedIps: [...known.allowedIps, ...allowedIps] } : peer);
    }
  }
  return { ...device, peers: [...peers.values()] };
}

const NOTHING = new Uint8Array();

function request(family: number, attributes: readonly Uint8Array[]): NetlinkRequest {
  const body = netlink.encodeBody([WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0, 0], [], attributes);
  return { type: family, flags: netlink.NLM_F_REQUEST | netlink.NLM_F_ACK, body };
}

/** Returns the attributes of one or more messages for the peer. */
function peerAttributes(peer: KernelPeerChange, addresses: SocketAddresses): Uint8Array[][] {
  const { publicKey, isRemoved, isOnlyUpdated, endpoint, persistentKeepalive, allowedIps } = peer;
  const key = netlink.encodeAttribute(WGPEER_A_PUBLIC_KEY, publicKey);
  if (isRemoved === true)
    return [[key, netlink.numberAttribute(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME)]];
  const first = [key];
  if (endpoint !== undefined) {
    const { address, port } = endpoint;
    const family = address.includes(':') ? AF_INET6 : AF_INET;
    const encoded = addresses.encode(address, port, family);
    if (encoded === undefined) throw new RangeError(`${address} must be an IP address`);
    first.push(netlink.encodeAttribute(WGPEER_A_ENDPOINT, encoded));
  }
  if (persistentKeepalive !== undefined) {
    const interval = shortAttribute(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, persistentKeepalive);
    first.push(interval);
  }
  const only = isOnlyUpdated === true ? WGPEER_F_UPDATE_ONLY : 0;
  const flags = only | (allowedIps === undefined ? 0 : WGPEER_F_REPLACE_ALLOWEDIPS);
  if (flags !== 0) first.push(netlink.numberAttribute(WGPEER_A_FLAGS, flags));
  if (allowedIps === undefined) return [first];
  const messages = [[...first, prefixList(allowedIps.slice(0, PREFIXES_PER_MESSAGE))]];
  for (let at = PREFIXES_PER_MESSAGE; at < allowedIps.length; at += PREFIXES_PER_MESSAGE) {
    // The first message has added the peer, if it was wanted.
    const update = netlink.numberAttribute(WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
    messages.push([key, update, prefixList(allowedIps.slice(at, at + PREFIXES_PER_MESSAGE))]);
  }
  return messages;
}

function prefixList(prefixes: readonly IpPrefix[]): Uint8Array {
  const items = prefixes.map(({ address, prefixLength }) =>
    nested(0, [
      shortAttribute(WGALLOWEDIP_A_FAMILY, address.length === 4 ? AF_INET : AF_INET6),
      netlink.encodeAttribute(WGALLOWEDIP_A_IPADDR, address),
      netlink.encodeAttribute(WGALLOWEDIP_A_CIDR_MASK, Uint8Array.of(prefixLength)),
    ]),
  );
  return nested(WGPEER_A_ALLOWEDIPS, items);
}

function nested(type: number, attributes: readonly Uint8Array[]): Uint8Array {
  return netlink.encodeAttribute(type | NESTED, Buffer.concat(attributes));
}

function shortAttribute(type: number, value: number): Uint8Array {
  const data = new Uint8Array(2);
  viewOf(data).setUint16(0, value, LITTLE_ENDIAN);
  return netlink.encodeAttribute(type, data);
}

function decodePeer(data: Uint8Array, addresses: SocketAddresses): KernelPeer {
  const attributes = netlink.decodeAttributes(data, 0);
  const endpoint = attributes.get(WGPEER_A_ENDPOINT);
  const keepalive = attributes.get(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL);
  const prefixes = netlink.listAttributes(attributes.get(WGPEER_A_ALLOWEDIPS) ?? NOTHING);
  return {
    publicKey: attributes.get(WGPEER_A_PUBLIC_KEY)?.slice() ?? new Uint8Array(32),
    endpoint: endpoint && addresses.decode(endpoint),
    persistentKeepalive: keepalive ? viewOf(keepalive).getUint16(0, LITTLE_ENDIAN) : 0,
    latestHandshakeUnix: readTime(attributes.get(WGPEER_A_LAST_HANDSHAKE_TIME)),
    receivedBytes: readLong(attributes.get(WGPEER_A_RX_BYTES)),
    sentBytes: readLong(attributes.get(WGPEER_A_TX_BYTES)),
    allowedIps: prefixes.map(([, prefix]) => decodePrefix(prefix)),
  };
}

function decodePrefix(data: Uint8Array): IpPrefix {
  const attributes = netlink.decodeAttributes(data, 0);
  return {
    address: attributes.get(WGALLOWEDIP_A_IPADDR)?.slice() ?? new Uint8Array(4),
    prefixLength: attributes.get(WGALLOWEDIP_A_CIDR_MASK)?.[0] ?? 0,
  };
}

/** Reads struct __kernel_timespec in milliseconds; undefined for 0, which means never. */
function readTime(data: Uint8Array | undefined): number | undefined {
  if (data === undefined || data.length < 16) return undefined;
  const milliseconds = readLong(data) * 1000 + readLong(data.subarray(8)) / 1e6;
  return milliseconds === 0 ? undefined : milliseconds;
}

function readLong(data: Uint8Array | undefined): number {
  return data === undefined ? 0 : readWord(viewOf(data), 0, 8);
}

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.length);
}
