/**
 * Addresses, MTU and routes of a tunnel's interface. All of them go with the interface when the process
 * dies, but for the rules of a default route. What an interface that was made in advance has already is
 * taken as it is, and stays.
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
  /** What an administrator may do in our place: commands of iproute2, a line each. */
  readonly remedy: string;

  constructor(subject: string, cause: SystemCallError, remedy: readonly string[] = []) {
    super(`${subject}: ${cause.message}`, { cause });
    this.code = cause.code;
    this.subject = subject;
    this.remedy = remedy.join('\n');
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
  settings: InterfaceSettings,
): ConfiguredInterface {
  const index = netlink.interfaceIndex(name);
  if (index === undefined) {
    throw new InterfaceSetupError(name, new SystemCallError('link', constants.errno.ENODEV));
  }
  const setup = new InterfaceSetup(netlink, { name, index, mtu: settings.mtu });
  setup.plan(settings).apply();
  return setup;
}

/** Something that the interface is given. */
interface Part {
  /** What it is, in words: no two parts that differ have the same. */
  readonly subject: string;
  readonly add: () => void;
  /** What is gone already is no error. */
  readonly remove: () => void;
  /** Whether the interface has it already, be it by somebody else. */
  readonly isThere: () => boolean;
  /** The command of iproute2 that adds it; undefined where that alone would not do. */
  readonly command: string | undefined;
}

interface NamedInterface {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
}

class InterfaceSetup implements ConfiguredInterface {
  readonly #netlink: Rtnetlink;
  readonly #interface: NamedInterface;
  #fwmark = 0;
  /** In the order in which they were added: what needs others comes behind them. */
  #parts: readonly Part[] = [];

  constructor(netlink: Rtnetlink, named: NamedInterface) {
    this.#netlink = netlink;
    this.#interface = named;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  plan({ addresses, routes }: Omit<InterfaceSettings, 'mtu'>): InterfaceChange {
    const defaults = routes.filter(({ prefixLength }) => prefixLength === 0);
    const others = routes.filter(({ prefixLength }) => prefixLength !== 0);
    const fwmark = defaults.length === 0 ? 0 : this.#fwmark || freeTable(this.#netlink);
    const parts = [
      this.#mtuPart(),
      ...addresses.map((address) => this.#addressPart(address)),
      this.#upPart(),
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
    // In one that was made in advance they would stay.
    for (const part of [...this.#parts].reverse()) part.remove();
    this.#parts = [];
  }

  /**
   * What is new comes first: with the last address of a family its routes would go, and connections
   * that stay would have no way meanwhile.
   */
  #change(wanted: ReadonlyMap<string, Part>): void {
    const old = new Map(this.#parts.map((part) => [part.subject, part]));
    const parts: Part[] = [];
    const missing: Part[] = [];
    let refusal: SystemCallError | undefined;
    for (const part of wanted.values()) {
      const kept = old.get(part.subject);
      const error = kept === undefined ? refusalOf(part.add) : undefined;
      if (error === undefined) parts.push(kept ?? part);
      else if (part.isThere()) parts.push({ ...part, remove: () => undefined });
      else {
        refusal ??= error;
        missing.push(part);
        // Others than the right may be at odds with each other: the first one says it.
        if (error.code !== 'EPERM') break;
      }
    }
    if (refusal !== undefined) {
      for (const part of parts.reverse()) if (!old.has(part.subject)) part.remove();
      throw refused(missing, refusal);
    }
    const surplus = this.#parts.filter(({ subject }) => !wanted.has(subject));
    for (const part of surplus.reverse()) part.remove();
    this.#parts = parts;
  }

  #mtuPart(): Part {
    const { name, index, mtu } = this.#interface;
    return {
      subject: `MTU ${mtu}`,
      add: () => this.#netlink.setMtu(index, mtu),
      remove: () => undefined,
      isThere: () => this.#netlink.link(index)?.mtu === mtu,
      command: `ip link set ${name} mtu ${mtu}`,
    };
  }

  #upPart(): Part {
    const { name, index } = this.#interface;
    return {
      subject: 'up',
      add: () => this.#netlink.setUp(index),
      remove: () => undefined,
      isThere: () => this.#netlink.link(index)?.isUp === true,
      command: `ip link set ${name} up`,
    };
  }

  #addressPart(address: IpAddress): Part {
    const prefix = hostPrefix(address);
    const netlink = this.#netlink;
    const { name, index } = this.#interface;
    return {
      subject: `address ${textOf(prefix)}`,
      add: () => netlink.addAddress(index, prefix),
      remove: () => void isDone(() => netlink.deleteAddress(index, prefix)),
      // Of whatever length: what was set up in advance may have the neighbours that it likes.
      isThere: () =>
        netlink
          .listAddresses()
          .some((had) => had.interfaceIndex === index && isSameAddress(had.prefix, prefix)),
      command: `ip address add ${textOf(prefix)} dev ${name}`,
    };
  }

  #routePart(destination: IpPrefix, table: number): Part {
    const netlink = this.#netlink;
    const { name, index } = this.#interface;
    const route = { destination, interfaceIndex: index, table };
    return {
      subject: `route ${textOf(destination)}`,
      add: () => netlink.addRoute(route),
      remove: () => void isDone(() => netlink.deleteRoute(route)),
      isThere: () =>
        netlink
          .listRoutes(destination.address.length === 4 ? 4 : 6)
          .some(
            (had) =>
              had.interfaceIndex === index &&
              had.table === table &&
              had.destination.prefixLength === destination.prefixLength &&
              isSameAddress(had.destination, destination),
          ),
      command: table === MAIN_TABLE ? `ip route add ${textOf(destination)} dev ${name}` : undefined,
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
    // One that is there is that of a process that was killed, and is put in again by whoever may.
    return { subject, add, remove, isThere: () => false, command: undefined };
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
  return refusalOf(request) === undefined;
}

function refusalOf(request: () => void): SystemCallError | undefined {
  try {
    request();
    return undefined;
  } catch (error) {
    if (error instanceof SystemCallError) return error;
    throw error;
  }
}

/** A default route takes more than commands: its mark has to be set on every datagram. */
function refused(missing: readonly Part[], error: SystemCallError): InterfaceSetupError {
  const subject = missing.map((part) => part.subject).join(', ');
  const commands = missing.map(({ command }) => command);
  const isWhole = error.code === 'EPERM' && !commands.includes(undefined);
  return new InterfaceSetupError(subject, error, isWhole ? (commands as string[]) : []);
}

function isSameAddress({ address }: IpPrefix, other: IpPrefix): boolean {
  return (
    address.length === other.address.length &&
    address.every((byte, index) => byte === other.address[index])
  );
}

/** The interface has this one address of its subnet, and no others are its neighbours. */
function hostPrefix(address: IpAddress): IpPrefix {
  return { address, prefixLength: address.length * 8 };
}

function textOf({ address, prefixLength }: IpPrefix): string {
  return `${formatIpAddress(address)}/${prefixLength}`;
}
