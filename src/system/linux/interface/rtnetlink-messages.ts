/** Encodes and decodes rtnetlink(7) messages for interfaces, addresses, routes and rules. */
import type { IpAddress, IpPrefix } from '../../../wire/ip-address.js';
import type { NetlinkMessage, NetlinkRequest } from './netlink-message.js';
import * as netlink from './netlink-message.js';
import { AF_INET, AF_INET6 } from '../udp/socket-address.js';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;

/** The size of struct ifaddrmsg. */
const ADDRESS_HEADER = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

/** The size of struct rtmsg: eight bytes and the flags. */
const ROUTE_HEADER = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RTA_MARK = 16;
/** Marks a route as created by an administrator; iproute2 uses this value for its routes. */
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const RTN_UNREACHABLE = 7;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
/** Marks a cached result of a route lookup. Such a result is not in any table. */
const RTM_F_CLONED = 0x200;

const FR_ACT_TO_TBL = 1;
const FIB_RULE_INVERT = 2;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;

export const MAIN_TABLE = 254;

const CREATE =
  netlink.NLM_F_REQUEST | netlink.NLM_F_ACK | netlink.NLM_F_CREATE | netlink.NLM_F_EXCL;
const CHANGE = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK;

/** A route that leads to an interface, without a gateway. */
export interface InterfaceRoute {
  readonly destination: IpPrefix;
  readonly interfaceIndex: number;
  /** The routing table; defaults to the main table. */
  readonly table?: number;
  /**
   * The metric; defaults to the kernel's. If there are several routes to a destination, the one
   * with the lowest metric is used.
   */
  readonly metric?: number;
}

/** A route that rejects packets (EHOSTUNREACH) if no route with a lower metric matches. */
export interface UnreachableRoute {
  readonly destination: IpPrefix;
  readonly table: number;
  readonly metric: number;
  /** A number for the program that created the route: rtnetlink(7), rtm_protocol. */
  readonly protocol: number;
}

export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly prefix: IpPrefix;
}

export interface ListedRoute {
  readonly destination: IpPrefix;
  /** The interface; undefined for a route without one (such as blackhole) or with several. */
  readonly interfaceIndex: number | undefined;
  readonly gateway: IpAddress | undefined;
  readonly table: number;
  readonly metric: number;
  /** A number for the program that created the route. */
  readonly protocol: number;
  readonly isUnreachable: boolean;
}

/** A rule that selects the table for a packet. An undefined property matches all packets. */
export interface RoutingRule {
  readonly family: 4 | 6;
  readonly table: number;
  /** The mark of a packet (SO_MARK). */
  readonly fwmark?: number;
  /** Whether the rule applies to all packets except those with the mark. */
  readonly isInverted?: boolean;
  /** Ignores routes whose prefix is no longer than this; 0 ignores the default route. */
  readonly suppressPrefixLength?: number;
  /**
   * The rule with the lowest priority is applied first. If undefined, the kernel puts the rule in
   * second place.
   */
  readonly priority?: number;
}

export function newAddress(interfaceIndex: number, prefix: IpPrefix): NetlinkRequest {
  return { type: RTM_NEWADDR, flags: CREATE, body: addressBody(interfaceIndex, prefix) };
}

export function deleteAddress(interfaceIndex: number, prefix: IpPrefix): NetlinkRequest {
  return { type: RTM_DELADDR, flags: CHANGE, body: addressBody(interfaceIndex, prefix) };
}

export function listAddresses(): NetlinkRequest {
  const body = netlink.encodeBody([0, 0, 0, 0], [0], []);
  return { type: RTM_GETADDR, flags: netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, body };
}

export function newRoute(route: InterfaceRoute): NetlinkRequest {
  const isIpv4 = route.destination.address.length === 4;
  const scope = isIpv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const kind = [RTPROT_BOOT, scope, RTN_UNICAST];
  return { type: RTM_NEWROUTE, flags: CREATE, body: routeBody(route, kind) };
}

export function deleteRoute(route: InterfaceRoute): NetlinkRequest {
  const body = routeBody(route, [0, RT_SCOPE_NOWHERE, 0]);
  return { type: RTM_DELROUTE, flags: CHANGE, body };
}

export function newUnreachableRoute(route: UnreachableRoute): NetlinkRequest {
  const body = routeBody(route, [route.protocol, RT_SCOPE_UNIVERSE, RTN_UNREACHABLE]);
  return { type: RTM_NEWROUTE, flags: CREATE, body };
}

export function deleteUnreachableRoute(route: UnreachableRoute): NetlinkRequest {
  const body = routeBody(route, [route.protocol, RT_SCOPE_NOWHERE, RTN_UNREACHABLE]);
  return { type: RTM_DELROUTE, flags: CHANGE, body };
}

export function listRoutes(family: 4 | 6): NetlinkRequest {
  const body = netlink.encodeBody([addressFamily(family), 0, 0, 0, 0, 0, 0, 0], [0], []);
  return { type: RTM_GETROUTE, flags: netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, body };
}

/** Asks for the route of datagrams with a mark. The reply to a missing route is an error. */
export function getRoute(address: IpAddress, fwmark: number): NetlinkRequest {
  const attributes = [netlink.encodeAttribute(RTA_DST, address)];
  if (fwmark !== 0) attributes.push(netlink.numberAttribute(RTA_MARK, fwmark));
  const header = [familyOf(address), address.length * 8, 0, 0, 0, 0, 0, 0];
  const body = netlink.encodeBody(header, [0], attributes);
  return { type: RTM_GETROUTE, flags: netlink.NLM_F_REQUEST, body };
}

/** Returns the interface of a route that getRoute() asked for; undefined if it has none. */
export function decodeRouteInterface({ body }: NetlinkMessage): number | undefined {
  return netlink.readNumber(netlink.decodeAttributes(body, ROUTE_HEADER).get(RTA_OIF));
}

export function newRule(rule: RoutingRule): NetlinkRequest {
  return { type: RTM_NEWRULE, flags: CREATE, body: ruleBody(rule, FR_ACT_TO_TBL) };
}

export function deleteRule(rule: RoutingRule): NetlinkRequest {
  return { type: RTM_DELRULE, flags: CHANGE, body: ruleBody(rule, 0) };
}

/** Decodes an address; undefined for a message without an address. */
export function decodeAddress({ type, body }: NetlinkMessage): InterfaceAddress | undefined {
  if (type !== RTM_NEWADDR || body.length < ADDRESS_HEADER) return undefined;
  const attributes = netlink.decodeAttributes(body, ADDRESS_HEADER);
  // On a point-to-point link, IFA_ADDRESS is the peer's address.
  const address = (attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS))?.slice();
  const interfaceIndex = netlink.readNumber(body.subarray(4));
  if (address === undefined || interfaceIndex === undefined) return undefined;
  return { interfaceIndex, prefix: { address, prefixLength: body[1] ?? 0 } };
}

/** Decodes a route; undefined for a message that does not contain a route from a table. */
export function decodeRoute({ type, body }: NetlinkMessage): ListedRoute | undefined {
  if (type !== RTM_NEWROUTE || body.length < ROUTE_HEADER) return undefined;
  const [family = 0, prefixLength = 0, , , shortTable = 0, protocol = 0, , kind = 0] = body;
  if (((netlink.readNumber(body.subarray(8)) ?? 0) & RTM_F_CLONED) !== 0) return undefined;
  const attributes = netlink.decodeAttributes(body, ROUTE_HEADER);
  const unspecified = new Uint8Array(family === AF_INET6 ? 16 : 4);
  return {
    destination: { address: attributes.get(RTA_DST)?.slice() ?? unspecified, prefixLength },
    interfaceIndex: netlink.readNumber(attributes.get(RTA_OIF)),
    gateway: attributes.get(RTA_GATEWAY)?.slice(),
    table: netlink.readNumber(attributes.get(RTA_TABLE)) ?? shortTable,
    metric: netlink.readNumber(attributes.get(RTA_PRIORITY)) ?? 0,
    protocol,
    isUnreachable: kind === RTN_UNREACHABLE,
  };
}

function addressBody(interfaceIndex: number, { address, prefixLength }: IpPrefix): Uint8Array {
  const attributes = [
    netlink.encodeAttribute(IFA_LOCAL, address),
    netlink.encodeAttribute(IFA_ADDRESS, address),
  ];
  return netlink.encodeBody([familyOf(address), prefixLength, 0, 0], [interfaceIndex], attributes);
}

/** @param kind the route's protocol, scope and type */
function routeBody(
  route: Partial<InterfaceRoute> & Pick<InterfaceRoute, 'destination'>,
  kind: readonly number[],
): Uint8Array {
  const { address, prefixLength } = route.destination;
  const { table = MAIN_TABLE, metric, interfaceIndex } = route;
  const attributes = [netlink.encodeAttribute(RTA_DST, address)];
  if (table > 0xff) attributes.push(netlink.numberAttribute(RTA_TABLE, table));
  if (metric !== undefined) attributes.push(netlink.numberAttribute(RTA_PRIORITY, metric));
  if (interfaceIndex !== undefined)
    attributes.push(netlink.numberAttribute(RTA_OIF, interfaceIndex));
  const header = [familyOf(address), prefixLength, 0, 0, shortTable(table), ...kind];
  return netlink.encodeBody(header, [0], attributes);
}

function ruleBody(rule: RoutingRule, action: number): Uint8Array {
  const attributes: Uint8Array[] = [];
  const add = (type: number, value: number | undefined) => {
    if (value !== undefined) attributes.push(netlink.numberAttribute(type, value));
  };
  add(FRA_PRIORITY, rule.priority);
  add(FRA_FWMARK, rule.fwmark);
  if (rule.table > 0xff) add(FRA_TABLE, rule.table);
  add(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength);
  const header = [addressFamily(rule.family), 0, 0, 0, shortTable(rule.table), 0, 0, action];
  return netlink.encodeBody(header, [rule.isInverted === true ? FIB_RULE_INVERT : 0], attributes);
}

/** Returns the table for the header's one-byte field; larger numbers are only in an attribute. */
function shortTable(table: number): number {
  return table > 0xff ? 0 : table;
}

function familyOf(address: IpAddress): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

function addressFamily(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}
