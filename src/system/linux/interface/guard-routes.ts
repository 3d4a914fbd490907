/**
 * Guards: unreachable routes to what the tunnel carries, with a higher metric than the routes into it. The
 * interface and its routes go when the process is killed. The guards stay, and nothing that was meant for
 * the tunnel leaves in clear by the default route.
 */
import type { IpPrefix } from '../../../wire/ip-address.js';
import type { Rtnetlink } from './rtnetlink.js';
import type { ListedRoute, RoutingRule, UnreachableRoute } from './rtnetlink-messages.js';
import { isDone } from '../system-refusal.js';

/** The kernel's own table of everything else. */
export const MAIN_TABLE = 254;

/** Tables of a default route, and marks: the first of them in which no one else has a route. */
export const FIRST_TABLE = 11_010;
export const TABLES = 16;

/** `proto 110` of a route says that arctun has made it; iproute2 and routing daemons use other numbers. */
const PROTOCOL = 110;

/** Above the metric of any other route, so that every other route to the same destination wins. */
const FIRST_METRIC = 2_000_000_000;
const METRICS = 0x1_0000;

/** Shorter prefixes are a default route in parts: a guard there would cut off a machine that is far away. */
const SHORTEST = { 4: 8, 6: 16 } as const;

/** Whether a route of the main table gets a guard. */
export function isGuarded({ address, prefixLength }: IpPrefix): boolean {
  return prefixLength >= SHORTEST[address.length === 4 ? 4 : 6];
}

/** The guards of one interface, by its name: they outlive its index. */
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

  /** Those that exist, be they of a process that was killed. */
  list(): UnreachableRoute[] {
    return ([4, 6] as const)
      .flatMap((family) => this.#netlink.listRoutes(family))
      .filter((route) => this.isOne(route))
      .map(({ destination, table }) => this.guard(destination, table));
  }

  isOne({ isUnreachable, protocol, metric }: ListedRoute): boolean {
    return isUnreachable && protocol === PROTOCOL && metric === this.#metric;
  }

  /** Removes those that exist, but for `kept`. */
  removeBut(kept: readonly UnreachableRoute[]): UnreachableRoute[] {
    const names = new Set(kept.map(nameOf));
    const removed = this.list().filter((guard) => !names.has(nameOf(guard)));
    for (const guard of removed) isDone(() => this.#netlink.deleteUnreachableRoute(guard));
    return removed;
  }
}

/**
 * Removes what a killed process has left of an interface: its guards, and the rules of a default route
 * if no one has a route in their table.
 *
 * @returns how many routes and rules were removed
 */
export function removeLeftovers(netlink: Rtnetlink, interfaceName: string): number {
  const guards = new GuardRoutes(netlink, interfaceName);
  const list = guards.list();
  for (const guard of list) netlink.deleteUnreachableRoute(guard);
  return list.length + removeIdleRules(netlink);
}

/** A table without routes sends no packet anywhere: its rules are left over, or about to be used. */
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
 * With priorities that are the table's own, in front of the kernel's: by them the rules are known as ours
 * when they are deleted, for wg-quick's say the same otherwise.
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

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
