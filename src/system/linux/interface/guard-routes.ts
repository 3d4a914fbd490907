/**
 * Guards: unreachable routes to the tunnel's destinations, with a higher metric than the routes
 * into the tunnel. If the process is killed, the interface and its routes disappear, but the guards
 * remain, so that the tunnel's traffic is not sent unencrypted through the default route.
 */
import type { IpPrefix } from '../../../wire/ip-address.js';
import type { Rtnetlink } from './rtnetlink.js';
import {
  type ListedRoute,
  MAIN_TABLE,
  type RoutingRule,
  type UnreachableRoute,
} from './rtnetlink-messages.js';
import { isDone } from '../libc.js';

/**
 * The tables to try for a default route. The first one without routes from other programs is used.
 * The table's number is also the mark.
 */
export const FIRST_TABLE = 11_010;
export const TABLES = 16;

/** Marks arctun's routes as `proto 110`; iproute2 and routing daemons use other numbers. */
const PROTOCOL = 110;

/**
 * A metric that is higher than those of other routes, so that other routes to the same destination
 * take precedence.
 */
const FIRST_METRIC = 2_000_000_000;
const METRICS = 0x1_0000;

/**
 * The minimum length of a guarded prefix. Shorter prefixes are parts of a default route, and
 * guarding them would make a remote machine unreachable.
 */
const SHORTEST = { 4: 8, 6: 16 } as const;

/** Whether a route in the main table gets a guard. */
export function isGuarded({ address, prefixLength }: IpPrefix): boolean {
  return prefixLength >= SHORTEST[address.length === 4 ? 4 : 6];
}

/**
 * The guards of one interface. It is identified by its name, because the guards outlive the
 * interface's index.
 */
export class GuardRoutes {
  readonly #netlink: Rtnetlink;
  readonly #metric: number;

  constructor(netlink: Rtnetlink, interfaceName: string) {
    this.#netlink = netlink;
    this.#metric = FIRST_METRIC + (hashOf(interfaceName) % METRICS);
  }

  guard(destination: IpPrefix, table: number): UnreachableRoute {
    return { destination, table, metric: this.#metric, protocol: PROTOCOL };
  }

  /** Returns the existing guards, including those of a killed process. */
  list(): UnreachableRoute[] {
    return ([4, 6] as const)
      .flatMap((family) => this.#netlink.listRoutes(family))
      .filter((route) => this.isOne(route))
      .map(({ destination, table }) => this.guard(destination, table));
  }

  isOne({ isUnreachable, protocol, metric }: ListedRoute): boolean {
    return isUnreachable && protocol === PROTOCOL && metric === this.#metric;
  }

  /** Removes all existing guards except `kept`. */
  removeBut(kept: readonly UnreachableRoute[]): UnreachableRoute[] {
    const names = new Set(kept.map(nameOf));
    const removed = this.list().filter((guard) => !names.has(nameOf(guard)));
    for (const guard of removed) isDone(() => this.#netlink.deleteUnreachableRoute(guard));
    return removed;
  }
}

/**
 * Removes what a killed process has left behind for an interface: its guards, and the rules of a
 * default route if their table has no routes.
 *
 * @returns the number of removed routes and rules
 */
export function removeLeftovers(netlink: Rtnetlink, interfaceName: string): number {
  const guards = new GuardRoutes(netlink, interfaceName);
  const list = guards.list();
  for (const guard of list) netlink.deleteUnreachableRoute(guard);
  return list.length + removeIdleRules(netlink);
}

/** Removes the rules for empty tables. Such rules are left over, or not yet in use. */
function removeIdleRules(netlink: Rtnetlink): number {
  let removed = 0;
  for (const family of [4, 6] as const) {
    const used = new Set(netlink.listRoutes(family).map(({ table }) => table));
    for (let table = FIRST_TABLE; table < FIRST_TABLE + TABLES; table++) {
      if (used.has(table)) continue;
      for (const rule of rulesOf(family, table)) {
        while (isDone(() => netlink.deleteRule(rule))) removed++;
      }
    }
  }
  return removed;
}

/**
 * Returns the rules for a default route. Their priorities are derived from the table's number, and
 * precede those of the kernel's rules. Rules are deleted by priority, because wg-quick's rules are
 * otherwise equal.
 */
export function rulesOf(family: 4 | 6, table: number): RoutingRule[] {
  const priority = 2 * table;
  return [
    { family, table, fwmark: table, isInverted: true, priority: priority + 1 },
    { family, table: MAIN_TABLE, suppressPrefixLength: 0, priority },
  ];
}

function nameOf({ destination, table }: UnreachableRoute): string {
  return `${destination.address.join('.')}/${destination.prefixLength} ${table}`;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
