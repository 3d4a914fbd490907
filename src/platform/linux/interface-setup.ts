/**
 * Addresses, MTU and routes of a tunnel's interface. All of them go with the interface when the process
 * dies, but for the rules of a default route.
 *
 * A default route into the tunnel must not catch what the tunnel itself sends. As wg-quick does it, such
 * a route stands in a table of its own, which everything is looked up in but packets with a mark; and
 * routes of the main table that are no default ones come first. So the way to the Arc server is the
 * system's, whatever becomes of it: docs/decisions/0010.
 */
import { constants } from 'node:os';

import type { ConfiguredInterface, InterfaceSettings } from '../../tunnel/ports.js';
import { type IpAddress, type IpPrefix, formatIpAddress } from '../../wire/ip-address.js';
import { SystemCallError } from './libc.js';
import type { Rtnetlink } from './rtnetlink.js';
import type { RoutingRule } from './rtnetlink-messages.js';

/** Table and mark: the first of them that nobody else has a route in. */
const FIRST_TABLE = 11_010;
const TABLES = 16;

/** The kernel's own table of everything else. */
const MAIN_TABLE = 254;

/** An interface cannot be given what it is to have; `subject` is what: an address, a route. */
export class InterfaceSetupError extends Error {
  override readonly name = 'InterfaceSetupError';
  readonly code: string;
  readonly subject: string;

  constructor(subject: string, cause: SystemCallError) {
    super(`${subject}: ${cause.message}`, { cause });
    this.code = cause.code;
    this.subject = subject;
  }
}

/**
 * Brings the interface up.
 *
 * @throws InterfaceSetupError; nothing is left then that would not go with the interface
 */
export function setUpInterface(
  netlink: Rtnetlink,
  name: string,
  { mtu, addresses, routes }: InterfaceSettings,
): ConfiguredInterface {
  const index = netlink.interfaceIndex(name);
  if (index === undefined) {
    throw new InterfaceSetupError(name, new SystemCallError('link', constants.errno.ENODEV));
  }
  attempt(`MTU ${mtu}`, () => netlink.setMtu(index, mtu));
  for (const address of addresses) {
    const prefix = hostPrefix(address);
    attempt(`address ${textOf(prefix)}`, () => netlink.addAddress(index, prefix));
  }
  attempt('up', () => netlink.setUp(index));
  const defaults = routes.filter(({ prefixLength }) => prefixLength === 0);
  for (const destination of routes) {
    if (defaults.includes(destination)) continue;
    attempt(`route ${textOf(destination)}`, () =>
      netlink.addRoute({ destination, interfaceIndex: index }),
    );
  }
  return defaults.length === 0 ? NO_RULES : addDefaultRoutes(netlink, index, defaults);
}

const NO_RULES: ConfiguredInterface = { fwmark: 0, undo: () => undefined };

function addDefaultRoutes(
  netlink: Rtnetlink,
  interfaceIndex: number,
  defaults: readonly IpPrefix[],
): ConfiguredInterface {
  const table = freeTable(netlink);
  const rules = defaults.flatMap(({ address }) => rulesOf(address.length === 4 ? 4 : 6, table));
  // Those of a process that was killed: its table is empty, since the interface went with it.
  const undo = () => {
    for (const rule of rules) while (isDeleted(netlink, rule));
  };
  undo();
  try {
    for (const destination of defaults) {
      attempt(`route ${textOf(destination)}`, () =>
        netlink.addRoute({ destination, interfaceIndex, table }),
      );
    }
    for (const rule of rules) attempt('rule of the default route', () => netlink.addRule(rule));
  } catch (error) {
    undo();
    throw error;
  }
  return { fwmark: table, undo };
}

/**
 * With priorities that are the table's own, in front of the kernel's: by them the rules are known as ours
 * when they are deleted, for wg-quick's say the same otherwise.
 */
function rulesOf(family: 4 | 6, table: number): RoutingRule[] {
  const priority = 2 * table;
  return [
    { family, table, fwmark: table, isInverted: true, priority: priority + 1 },
    { family, table: MAIN_TABLE, suppressPrefixLength: 0, priority },
  ];
}

function freeTable(netlink: Rtnetlink): number {
  const used = new Set(
    ([4, 6] as const).flatMap((family) => netlink.listRoutes(family).map(({ table }) => table)),
  );
  for (let table = FIRST_TABLE; table < FIRST_TABLE + TABLES; table++) {
    if (!used.has(table)) return table;
  }
  throw new InterfaceSetupError(
    'default route',
    new SystemCallError('route add', constants.errno.EEXIST),
  );
}

function isDeleted(netlink: Rtnetlink, rule: RoutingRule): boolean {
  try {
    netlink.deleteRule(rule);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError) return false;
    throw error;
  }
}

function attempt(subject: string, request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new InterfaceSetupError(subject, error);
  }
}

/** The interface has this one address of its subnet, and no others are its neighbours. */
function hostPrefix(address: IpAddress): IpPrefix {
  return { address, prefixLength: address.length * 8 };
}

function textOf({ address, prefixLength }: IpPrefix): string {
  return `${formatIpAddress(address)}/${prefixLength}`;
}
