/**
 * Addresses, MTU and routes of a tunnel's interface. If the process dies, the kernel removes them
 * with the interface, except the rules of a default route and the guards (guard-routes.ts). If the
 * interface was created in advance, settings that it already has stay unchanged.
 *
 * A default route into the tunnel must not apply to the tunnel's own packets. As in wg-quick, this
 * route is in a separate table, which is used for all packets without the mark. Routes in the main
 * table, except default routes, take precedence. So packets to the Arc server always use the
 * system's routes: docs/decisions/0010-default-route-by-mark-and-rule.md.
 */
import { constants } from 'node:os';

import { sameBytes } from '../../../lib/same-bytes.js';
import type {
  ConfiguredInterface,
  InterfaceChange,
  InterfaceRouting,
  InterfaceSettings,
} from '../../../ports/packet-interfaces.js';
import { type IpAddress, type IpPrefix, formatIpPrefix } from '../../../wire/ip-address.js';
import { FIRST_TABLE, GuardRoutes, isGuarded, rulesOf, TABLES } from './guard-routes.js';
import { SystemCallError } from '../libc.js';
import type { Rtnetlink } from './rtnetlink.js';
import { MAIN_TABLE, type RoutingRule, type UnreachableRoute } from './rtnetlink-messages.js';
import { isDone, refusalOf } from '../libc.js';

/**
 * The error if the interface cannot be configured. `subject` is the address or route that failed.
 */
export class InterfaceSetupError extends Error {
  override readonly name = 'InterfaceSetupError';
  readonly code: string;
  readonly subject: string;
  /** iproute2 commands that an administrator can run instead; each line is one command. */
  readonly remedy: string;

  constructor(subject: string, cause: SystemCallError, remedy: readonly string[] = []) {
    super(`${subject}: ${cause.message}`, { cause });
    this.code = cause.code;
    this.subject = subject;
    this.remedy = remedy.join('\n');
  }
}

/**
 * Configures the interface and brings it up.
 *
 * @throws InterfaceSetupError; nothing that would outlive the interface remains
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
  const setup = new InterfaceSetup(netlink, { name, index, ...settings });
  setup.plan(settings).apply();
  return setup;
}

interface Part {
  /** A unique description of the part. */
  readonly subject: string;
  readonly add: () => void;
  /** Removes the part; succeeds if the part no longer exists. */
  readonly remove: () => void;
  /** Whether the interface already has the part, even if another program added it. */
  readonly isThere: () => boolean;
  /** The iproute2 command that adds the part; undefined if one command would not be sufficient. */
  readonly command: string | undefined;
  /** Whether a kill switch keeps the part when the tunnel ends. */
  readonly outlastsEnd?: boolean;
  /** Whether a killed process left the part behind. */
  readonly wasLeft?: () => boolean;
}

interface NamedInterface extends Pick<InterfaceSettings, 'mtu' | 'killSwitch'> {
  readonly name: string;
  readonly index: number;
}

class InterfaceSetup implements ConfiguredInterface {
  readonly #netlink: Rtnetlink;
  readonly #interface: NamedInterface;
  readonly #guards: GuardRoutes;
  #fwmark = 0;
  /**
   * The parts in the order in which they were added: each part comes after the parts that it needs.
   */
  #parts: readonly Part[] = [];

  constructor(netlink: Rtnetlink, named: NamedInterface) {
    this.#netlink = netlink;
    this.#interface = named;
    this.#guards = new GuardRoutes(netlink, named.name);
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  plan({ addresses, routes }: InterfaceRouting): InterfaceChange {
    const defaults = routes.filter(({ prefixLength }) => prefixLength === 0);
    const others = routes.filter(({ prefixLength }) => prefixLength !== 0);
    const fwmark =
      defaults.length === 0 ? 0 : this.#fwmark || freeTable(this.#netlink, this.#guards);
    const guarded = [
      ...others.filter(isGuarded).map((destination) => this.#guards.guard(destination, MAIN_TABLE)),
      ...(this.#interface.killSwitch ? defaults : []).map((destination) =>
        this.#guards.guard(destination, fwmark),
      ),
    ];
    const parts = [
      this.#mtuPart(),
      ...addresses.map((address) => this.#addressPart(address)),
      this.#upPart(),
      ...guarded.map((guard) => this.#guardPart(guard)),
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
        // Remove the guards of a killed process that had other routes.
        this.#guards.removeBut(guarded);
        this.#fwmark = fwmark;
      },
    };
  }

  undo(): void {
    // Remove each part, because the parts would remain if the interface was created in advance.
    for (const part of [...this.#parts].reverse()) {
      if (!this.#interface.killSwitch || part.outlastsEnd !== true) part.remove();
    }
    this.#parts = [];
  }

  /**
   * Adds new parts before removing old ones. Otherwise, removing the last address of a family would
   * remove its routes, which would interrupt existing connections.
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
        // Errors other than EPERM may depend on each other, so report only the first.
        if (error.code !== 'EPERM') break;
      }
    }
    if (refusal !== undefined) {
      for (const part of parts.reverse()) {
        if (!old.has(part.subject) && part.wasLeft?.() !== true) part.remove();
      }
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
      subject: `address ${formatIpPrefix(prefix)}`,
      add: () => netlink.addAddress(index, prefix),
      remove: () => void isDone(() => netlink.deleteAddress(index, prefix)),
      // Accept any prefix length, because an administrator may have configured a subnet.
      isThere: () =>
        netlink
          .listAddresses()
          .some((had) => had.interfaceIndex === index && isSameAddress(had.prefix, prefix)),
      command: `ip address add ${formatIpPrefix(prefix)} dev ${name}`,
    };
  }

  #routePart(destination: IpPrefix, table: number): Part {
    const netlink = this.#netlink;
    const { name, index } = this.#interface;
    const route = { destination, interfaceIndex: index, table };
    return {
      subject: `route ${formatIpPrefix(destination)}`,
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
      command:
        table === MAIN_TABLE
          ? `ip route add ${formatIpPrefix(destination)} dev ${name}`
          : undefined,
    };
  }

  /**
   * Returns the part for a guard. If the permission is missing, the guard is skipped, because the
   * interface was then created in advance and will remain.
   */
  #guardPart(guard: UnreachableRoute): Part {
    const netlink = this.#netlink;
    const isRequired = this.#interface.killSwitch;
    let wasLeft = false;
    const add = () => {
      const refusal = refusalOf(() => netlink.addUnreachableRoute(guard));
      wasLeft = refusal?.code === 'EEXIST' && this.#guards.list().some(isSameGuard(guard));
      if (refusal === undefined || wasLeft) return;
      if (isRequired || refusal.code !== 'EPERM') throw refusal;
    };
    return {
      subject: `guard of ${formatIpPrefix(guard.destination)}`,
      add,
      remove: () => void isDone(() => netlink.deleteUnreachableRoute(guard)),
      isThere: () => false,
      command: undefined,
      outlastsEnd: true,
      wasLeft: () => wasLeft,
    };
  }

  #rulePart(rule: RoutingRule): Part {
    const netlink = this.#netlink;
    const remove = () => {
      while (isDone(() => netlink.deleteRule(rule)));
    };
    let wasLeft = false;
    const add = () => {
      const refusal = refusalOf(() => netlink.addRule(rule));
      // Keep the rule of a killed process, so that it applies without a gap.
      wasLeft = refusal?.code === 'EEXIST';
      if (refusal !== undefined && !wasLeft) throw refusal;
    };
    const kind = rule.isInverted === true ? 'mark' : 'other routes';
    const subject = `rule for the IPv${rule.family} default route, ${kind}`;
    return {
      subject,
      add,
      remove,
      isThere: () => false,
      command: undefined,
      outlastsEnd: true,
      wasLeft: () => wasLeft && this.#interface.killSwitch,
    };
  }
}

/**
 * Returns a table that no other program uses. A table with only this interface's guards was left by
 * a killed process.
 */
function freeTable(netlink: Rtnetlink, guards: GuardRoutes): number {
  const routes = ([4, 6] as const).flatMap((family) => netlink.listRoutes(family));
  const used = new Set(routes.filter((route) => !guards.isOne(route)).map(({ table }) => table));
  for (let table = FIRST_TABLE; table < FIRST_TABLE + TABLES; table++) {
    if (!used.has(table)) return table;
  }
  throw new InterfaceSetupError(
    'default route',
    new SystemCallError('route add', constants.errno.EEXIST),
  );
}

/**
 * Builds the error with commands to run. For a default route, there are no commands, because it
 * requires a mark on datagrams.
 */
function refused(missing: readonly Part[], error: SystemCallError): InterfaceSetupError {
  const subject = missing.map((part) => part.subject).join(', ');
  const commands = missing.map(({ command }) => command);
  const isWhole = error.code === 'EPERM' && !commands.includes(undefined);
  return new InterfaceSetupError(subject, error, isWhole ? (commands as string[]) : []);
}

function isSameGuard(guard: UnreachableRoute): (other: UnreachableRoute) => boolean {
  return ({ destination, table }) =>
    table === guard.table &&
    destination.prefixLength === guard.destination.prefixLength &&
    isSameAddress(destination, guard.destination);
}

function isSameAddress({ address }: IpPrefix, other: IpPrefix): boolean {
  return sameBytes(address, other.address);
}

/** Returns the prefix of a single address, without neighbors in its subnet. */
function hostPrefix(address: IpAddress): IpPrefix {
  return { address, prefixLength: address.length * 8 };
}
