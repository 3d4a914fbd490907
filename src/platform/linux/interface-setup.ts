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

import type {
  ConfiguredInterface,
  InterfaceChange,
  InterfaceSettings,
} from '../../tunnel/ports.js';
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
  const setup = new InterfaceSetup(netlink, index);
  setup.plan({ addresses, routes }).apply();
  return setup;
}

/** Something that the interface is given. */
interface Part {
  /** What it is, in words: no two parts that differ have the same. */
  readonly subject: string;
  readonly add: () => void;
  /** What is gone already is no error. */
  readonly remove: () => void;
  /** Whether it would not go with the interface. */
  readonly isLasting?: boolean;
}

class InterfaceSetup implements ConfiguredInterface {
  readonly #netlink: Rtnetlink;
  readonly #index: number;
  #fwmark = 0;
  /** In the order in which they were added: what needs others comes behind them. */
  #parts: readonly Part[] = [];

  constructor(netlink: Rtnetlink, index: number) {
    this.#netlink = netlink;
    this.#index = index;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  plan({ addresses, routes }: Omit<InterfaceSettings, 'mtu'>): InterfaceChange {
    const defaults = routes.filter(({ prefixLength }) => prefixLength === 0);
    const others = routes.filter(({ prefixLength }) => prefixLength !== 0);
    const fwmark = defaults.length === 0 ? 0 : this.#fwmark || freeTable(this.#netlink);
    const parts = [
      ...addresses.map((address) => this.#addressPart(address)),
      { subject: 'up', add: () => this.#netlink.setUp(this.#index), remove: () => undefined },
      ...others.map((destination) => this.#routePart(destination, MAIN_TABLE)),
      ...defaults.map((destination) => this.#routePart(destination, fwmark)),
      ...defaults
        .flatMap(({ address }) => rulesOf(address.length === 4 ? 4 : 6, fwmark))
        .map((rule) => this.#rulePart(rule)),
    ];
    const wanted = new Map<string, Part>(parts.map((part) => [part.subject, part]));
    return {
      fwmark,
      apply: () => {
        this.#change(wanted);
        this.#fwmark = fwmark;
      },
    };
  }

  undo(): void {
    for (const part of this.#parts) if (part.isLasting === true) part.remove();
    this.#parts = [];
  }

  /**
   * What is new comes first: with the last address of a family its routes would go, and connections
   * that stay would have no way meanwhile.
   */
  #change(wanted: ReadonlyMap<string, Part>): void {
    const had = new Set(this.#parts.map(({ subject }) => subject));
    const added: Part[] = [];
    try {
      for (const part of wanted.values()) {
        if (had.has(part.subject)) continue;
        attempt(part.subject, part.add);
        added.push(part);
      }
    } catch (error) {
      for (const part of added.reverse()) part.remove();
      throw error;
    }
    const surplus = this.#parts.filter(({ subject }) => !wanted.has(subject));
    for (const part of surplus.reverse()) part.remove();
    this.#parts = [...wanted.values()];
  }

  #addressPart(address: IpAddress): Part {
    const prefix = hostPrefix(address);
    const [netlink, index] = [this.#netlink, this.#index];
    return {
      subject: `address ${textOf(prefix)}`,
      add: () => netlink.addAddress(index, prefix),
      remove: () => void isDone(() => netlink.deleteAddress(index, prefix)),
    };
  }

  #routePart(destination: IpPrefix, table: number): Part {
    const netlink = this.#netlink;
    const route = { destination, interfaceIndex: this.#index, table };
    return {
      subject: `route ${textOf(destination)}`,
      add: () => netlink.addRoute(route),
      remove: () => void isDone(() => netlink.deleteRoute(route)),
    };
  }

  #rulePart(rule: RoutingRule): Part {
    const netlink = this.#netlink;
    const remove = () => {
      while (isDone(() => netlink.deleteRule(rule)));
    };
    const add = () => {
      // Those of a process that was killed: its table is empty, since the interface went with it.
      remove();
      netlink.addRule(rule);
    };
    const kind = rule.isInverted === true ? 'mark' : 'other routes';
    const subject = `rule of the default route of IPv${rule.family}, ${kind}`;
    return { subject, add, remove, isLasting: true };
  }
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

/** False where the kernel refuses. */
function isDone(request: () => void): boolean {
  try {
    request();
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
