/** The SIMs of one process, each with its own tunnel. */
import { SerialQueue } from '../../lib/serial-queue.js';
import { TaskLimit } from '../../lib/task-limit.js';
import { messageOf } from '../../lib/errors/error-message.js';
import type { Log } from '../../ports/log.js';
import {
  type ConfigFiles,
  type ConfigPlace,
  findConfigs,
  type NamedConfig,
} from './fleet-configs.js';
import { FleetMember, type FleetMemberOptions, type MemberReport } from './fleet-member.js';
import type { MemberTunnelPorts } from './member-tunnel.js';

export interface FleetOptions extends Omit<FleetMemberOptions, 'opening'> {
  readonly places: readonly ConfigPlace[];
}

export interface FleetPorts extends MemberTunnelPorts {
  readonly files: ConfigFiles;
}

/** The maximum number of tunnels that open at the same time. */
const MAX_OPENING = 16;

/**
 * The maximum number of SIMs that ask SORACOM about their sessions at the same time. During an
 * outage, all of them ask.
 */
const MAX_ASKING = 8;

export class Fleet {
  readonly #options: FleetMemberOptions & FleetOptions;
  readonly #ports: FleetPorts;
  readonly #members = new Map<string, FleetMember>();
  readonly #turns = new SerialQueue();
  #isClosed = false;
  #onRemoved: (member: FleetMember) => void = () => undefined;

  constructor(options: FleetOptions, ports: FleetPorts) {
    const { renewal } = options;
    const asking = new TaskLimit({ most: MAX_ASKING });
    this.#options = {
      ...options,
      opening: new TaskLimit({ most: MAX_OPENING }),
      renewal: renewal && { ...renewal, inTurn: (work) => asking.run(work) },
    };
    this.#ports = ports;
  }

  /** Sets the handler for SIMs whose configuration was removed. */
  onRemoved(handler: (member: FleetMember) => void): void {
    this.#onRemoved = handler;
  }

  /**
   * Starts to open all tunnels.
   *
   * @returns a promise that resolves after the first handshake or the first failure of each SIM
   * @throws UserError if there is no configuration
   */
  async start(): Promise<{ readonly settled: Promise<void> }> {
    const { configs, problems } = await findConfigs(this.#options.places, this.#ports.files);
    for (const problem of problems) this.#ports.log.warn({}, problem);
    const settled = configs.map((config) => this.#add(config));
    return { settled: Promise.all(settled).then(() => undefined) };
  }

  /** Finds the configurations again: opens, closes and reloads tunnels. Never rejects. */
  reload(): Promise<void> {
    return this.#turns
      .run(() => this.#reload())
      .catch((error: unknown) => {
        const text = `cannot reload the configurations: ${messageOf(error)}. The tunnels are unchanged.`;
        this.#ports.log.error({}, text);
      });
  }

  /** Returns the SIM with this name or SIM ID. */
  find(name: string): FleetMember | undefined {
    if (name === '') return undefined;
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    for (const other of this.#members.values()) if (other.simId === name) return other;
    return undefined;
  }

  /** The SIMs, sorted by name. */
  get members(): readonly FleetMember[] {
    return [...this.#members.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Returns the state of each SIM. */
  report(): Promise<readonly MemberReport[]> {
    return Promise.all(this.members.map((member) => member.report()));
  }

  /** @param graceMs how long sent data may take to arrive */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    await this.#turns.run(() => Promise.all(this.members.map((member) => member.close(graceMs))));
  }

  async #reload(): Promise<void> {
    if (this.#isClosed) return;
    const open = this.members.map(({ config }) => config);
    const { places } = this.#options;
    const { configs, problems, kept } = await findConfigs(places, this.#ports.files, open);
    for (const problem of problems) this.#ports.log.warn({}, problem);
    const paths = new Map(configs.map(({ name, path }) => [name, path]));
    const removed = this.members.filter(({ config }) => paths.get(config.name) !== config.path);
    await Promise.all(removed.map((member) => this.#remove(member)));
    // The file of a kept SIM does not exist, so that reading it would only add an error.
    for (const member of this.members) if (!kept.has(member.name)) member.reload();
    const added = configs.filter(({ name }) => !this.#members.has(name));
    for (const config of added) void this.#add(config);
    const counts = { added: added.length, removed: removed.length, sims: this.#members.size };
    this.#ports.log.info(counts, 'reloaded the configurations');
  }

  #add(config: NamedConfig): Promise<void> {
    const ports = { ...this.#ports, log: namingLog(this.#ports.log, config.name) };
    const member = new FleetMember(config, this.#options, ports);
    this.#members.set(config.name, member);
    return member.start();
  }

  async #remove(member: FleetMember): Promise<void> {
    this.#members.delete(member.name);
    this.#onRemoved(member);
    await member.close(0);
  }
}

/** Adds the name of a SIM to each line. */
function namingLog(log: Log, sim: string): Log {
  return {
    error: (fields, message) => log.error({ sim, ...fields }, message),
    warn: (fields, message) => log.warn({ sim, ...fields }, message),
    info: (fields, message) => log.info({ sim, ...fields }, message),
    debug: (fields, message) => log.debug({ sim, ...fields }, message),
    trace: (fields, message) => log.trace({ sim, ...fields }, message),
  };
}
