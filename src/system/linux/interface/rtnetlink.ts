/** Manages interfaces, addresses, routes and rules in this network namespace through rtnetlink(7). */
import type { IpAddress, IpPrefix } from '../../../wire/ip-address.js';
import type { Libc } from '../libc.js';
import * as linkMessages from './link-messages.js';
import { type NetlinkRequest, NLMSG_ERROR } from './netlink-message.js';
import { NetlinkSocket, throwRefusal } from './netlink-socket.js';
import * as messages from './rtnetlink-messages.js';

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
    this.#change('link add', linkMessages.newLink(name, kind));
  }

  setAlias(interfaceIndex: number, alias: string): void {
    this.#change('link alias', linkMessages.linkAlias(interfaceIndex, alias));
  }

  deleteLink(interfaceIndex: number): void {
    this.#change('link delete', linkMessages.deleteLink(interfaceIndex));
  }

  setUp(interfaceIndex: number): void {
    this.#change('link up', linkMessages.linkUp(interfaceIndex));
  }

  setMtu(interfaceIndex: number, mtu: number): void {
    this.#change('link mtu', linkMessages.linkMtu(interfaceIndex, mtu));
  }

  /** Returns the state of an interface; undefined if no such interface exists. */
  link(interfaceIndex: number): linkMessages.LinkState | undefined {
    const reply = this.#socket.ask(linkMessages.getLink(interfaceIndex));
    return reply && linkMessages.decodeLink(reply);
  }

  listLinks(): linkMessages.LinkState[] {
    return this.#socket.list(
      'rtnetlink link list',
      linkMessages.listLinks(),
      linkMessages.decodeLink,
    );
  }

  listAddresses(): messages.InterfaceAddress[] {
    return this.#socket.list(
      'rtnetlink address list',
      messages.listAddresses(),
      messages.decodeAddress,
    );
  }

  addAddress(interfaceIndex: number, prefix: IpPrefix): void {
    this.#change('address add', messages.newAddress(interfaceIndex, prefix));
  }

  deleteAddress(interfaceIndex: number, prefix: IpPrefix): void {
    this.#change('address delete', messages.deleteAddress(interfaceIndex, prefix));
  }

  addRoute(route: messages.InterfaceRoute): void {
    this.#change('route add', messages.newRoute(route));
  }

  deleteRoute(route: messages.InterfaceRoute): void {
    this.#change('route delete', messages.deleteRoute(route));
  }

  addUnreachableRoute(route: messages.UnreachableRoute): void {
    this.#change('route add', messages.newUnreachableRoute(route));
  }

  deleteUnreachableRoute(route: messages.UnreachableRoute): void {
    this.#change('route delete', messages.deleteUnreachableRoute(route));
  }

  listRoutes(family: 4 | 6): messages.ListedRoute[] {
    return this.#socket.list(
      'rtnetlink route list',
      messages.listRoutes(family),
      messages.decodeRoute,
    );
  }

  /** Returns the interface through which datagrams with a mark reach an address. */
  routeTo(address: IpAddress, fwmark: number): number | undefined {
    const reply = this.#socket.ask(messages.getRoute(address, fwmark));
    if (reply?.type === NLMSG_ERROR) throwRefusal('rtnetlink route get', reply);
    return reply && messages.decodeRouteInterface(reply);
  }

  addRule(rule: messages.RoutingRule): void {
    this.#change('rule add', messages.newRule(rule));
  }

  deleteRule(rule: messages.RoutingRule): void {
    this.#change('rule delete', messages.deleteRule(rule));
  }

  close(): void {
    this.#socket.close();
  }

  #change(name: string, request: NetlinkRequest): void {
    this.#socket.change(`rtnetlink ${name}`, request);
  }
}
