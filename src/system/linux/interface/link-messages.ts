/** Encodes and decodes rtnetlink(7) messages for interfaces. */
import type { NetlinkMessage, NetlinkRequest } from './netlink-message.js';
import * as netlink from './netlink-message.js';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

/** The size of struct ifinfomsg. */
const LINK_HEADER = 16;
const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_INFO_KIND = 1;

const CHANGE = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK;

export interface LinkState {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly mtu: number;
  /** The driver, such as `tun` or `wireguard`; undefined if it does not report one. */
  readonly kind: string | undefined;
  /** The alias, a text for people that `ip link` shows; undefined if there is none. */
  readonly alias: string | undefined;
}

/** Creates an interface that is down and has no address. */
export function newLink(name: string, kind: string): NetlinkRequest {
  const attributes = [
    netlink.textAttribute(IFLA_IFNAME, name),
    netlink.encodeAttribute(
      IFLA_LINKINFO,
      netlink.encodeAttribute(IFLA_INFO_KIND, Buffer.from(kind)),
    ),
  ];
  const body = netlink.encodeBody([0, 0, 0, 0], [0, 0, 0], attributes);
  return { type: RTM_NEWLINK, flags: CHANGE | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, body };
}

/** Sets the alias. The kernel ignores an alias in the request that creates an interface. */
export function linkAlias(interfaceIndex: number, alias: string): NetlinkRequest {
  return changeLink(interfaceIndex, 0, [netlink.encodeAttribute(IFLA_IFALIAS, Buffer.from(alias))]);
}

export function deleteLink(interfaceIndex: number): NetlinkRequest {
  const body = netlink.encodeBody([0, 0, 0, 0], [interfaceIndex, 0, 0], []);
  return { type: RTM_DELLINK, flags: CHANGE, body };
}

export function linkUp(interfaceIndex: number): NetlinkRequest {
  return changeLink(interfaceIndex, IFF_UP, []);
}

export function linkMtu(interfaceIndex: number, mtu: number): NetlinkRequest {
  return changeLink(interfaceIndex, 0, [netlink.numberAttribute(IFLA_MTU, mtu)]);
}

export function getLink(interfaceIndex: number): NetlinkRequest {
  const body = netlink.encodeBody([0, 0, 0, 0], [interfaceIndex, 0, 0], []);
  return { type: RTM_GETLINK, flags: netlink.NLM_F_REQUEST, body };
}

export function listLinks(): NetlinkRequest {
  const body = netlink.encodeBody([0, 0, 0, 0], [0, 0, 0], []);
  return { type: RTM_GETLINK, flags: netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, body };
}

/** Decodes an interface; undefined for a message of another type. */
export function decodeLink({ type, body }: NetlinkMessage): LinkState | undefined {
  if (type !== RTM_NEWLINK || body.length < LINK_HEADER) return undefined;
  const flags = netlink.readNumber(body.subarray(8)) ?? 0;
  const attributes = netlink.decodeAttributes(body, LINK_HEADER);
  const info = netlink.decodeAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array(), 0);
  return {
    index: netlink.readNumber(body.subarray(4)) ?? 0,
    name: netlink.readText(attributes.get(IFLA_IFNAME)) ?? '',
    isUp: (flags & IFF_UP) !== 0,
    mtu: netlink.readNumber(attributes.get(IFLA_MTU)) ?? 0,
    kind: netlink.readText(info.get(IFLA_INFO_KIND)),
    alias: netlink.readText(attributes.get(IFLA_IFALIAS)),
  };
}

function changeLink(
  interfaceIndex: number,
  flags: number,
  attributes: readonly Uint8Array[],
): NetlinkRequest {
  // The flags, followed by the mask of flags to change.
  const body = netlink.encodeBody([0, 0, 0, 0], [interfaceIndex, flags, flags], attributes);
  return { type: RTM_NEWLINK, flags: CHANGE, body };
}
