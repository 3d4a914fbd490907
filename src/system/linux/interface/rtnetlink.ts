/** Manages interfaces, addresses, routes and rules in this network namespace through rtnetlink(7). */
import type { IpPrefix } from '../../../wire/ip-address.js';
import type { Libc } from '../libc.js';
import {
  decodeLink,
  deleteLink,
  getLink,
  linkAlias,
  linkMtu,
  type LinkState,
  linkUp,
  newLink,
} from './link-messages.js';
import type { NetlinkRequest } from './netlink-message.js';
import { NetlinkSocket } from './netlink-socket.js';
import {
  decodeAddress,
  decodeRoute,
  deleteAddress,
  deleteRoute,
  deleteRule,
  deleteUnreachableRoute,
  type InterfaceAddress,
  type InterfaceRoute,
  listAddresses,
  type ListedRoute,
  listRoutes,
  newAddress,
  newRoute,
  newRule,
  newUnreachableRoute,
  type RoutingRule,
  type UnreachableRoute,
} from './rtnetlink-messages.js';

const NETLINK_ROUTE = 0;

/** Each method throws NetlinkError on a refusal (EPERM, EEXIST, ESRCH …). */
export class Rtnetlink {
  readonly #libc: Libc;
  readonly #socket: NetlinkSocket;

  /** @throws SystemCallError */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#socket = new NetlinkSocket(libc, NETLINK_ROUTE);
  }

  /** Returns the index of an interface; undefined if no such interface exists. */
  interfaceIndex(name: string): number | undefined {
    return this.#libc.bind('unsigned int if_nametoindex(const char *)')(name) || undefined;
  }

  /** Creates an interface that is down and has no address; see newLink(). */
  addLink(name: string, kind: string): void {
    this.#change('link add', newLink(name, kind));
  }

  setAlias(interfaceIndex: number, alias: string): void {
    this.#change('link alias', linkAlias(interfaceIndex, alias));
  }

  deleteLink(interfaceIndex: number): void {
    this.#change('link delete', deleteLink(interfaceIndex));
  }

  setUp(interfaceIndex: number): void {
    this.#change('link up', linkUp(interfaceIndex));
  }

  setMtu(interfaceIndex: number, mtu: number): void {
    this.#change('link mtu', linkMtu(interfaceIndex, mtu));
  }

  /** Returns the state of an interface; undefined if no such interface exists. */
  link(interfaceIndex: number): LinkState | undefined {
    const reply = this.#socket.ask(getLink(interfaceIndex));
    return reply && decodeLink(reply);
  }

  listAddresses(): InterfaceAddress[] {
    return this.#socket.list('rtnetlink address list', listAddresses(), decodeAddress);
  }

  addAddress(interfaceIndex: number, prefix: IpPrefix): void {
    this.#change('address add', newAddress(interfaceIndex, prefix));
  }

  deleteAddress(interfaceIndex: number, prefix: IpPrefix): void {
    this.#change('address delete', deleteAddress(interfaceIndex, prefix));
  }

  addRoute(route: InterfaceRoute): void {
    this.#change('route add', newRoute(route));
  }

  deleteRoute(route: InterfaceRoute): void {
    this.#change('route delete', deleteRoute(route));
  }

  addUnreachableRoute(route: UnreachableRoute): void {
    this.#change('route add', newUnreachableRoute(route));
  }

  deleteUnreachableRoute(route: UnreachableRoute): void {
    this.#change('route delete', deleteUnreachableRoute(route));
  }

  listRoutes(family: 4 | 6): ListedRoute[] {
    return this.#socket.list('rtnetlink route list', listRoutes(family), decodeRoute);
  }

  addRule(rule: RoutingRule): void {
    this.#change('rule add', newRule(rule));
  }

  deleteRule(rule: RoutingRule): void {
    this.#change('rule delete', deleteRule(rule));
  }

  close(): void {
    this.#socket.close();
  }

  #change(name: string, request: NetlinkRequest): void {
    this.#socket.change(`rtnetlink ${name}`, request);
  }
}
