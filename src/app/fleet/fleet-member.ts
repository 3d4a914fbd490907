/** One SIM of a fleet: opens its tunnel, tries again after a failure, and offers its status. */
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { TaskLimit } from '../../lib/task-limit.js';
import { inTime, untilAborted } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { DatagramPorts } from '../../proxy/datagram-dialer.js';
import { DialError, type Dialer } from '../../proxy/dialer.js';
import { ConnectionList } from '../../proxy/status/connection-list.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import { offerStatus, type StatusOffer } from '../status/offer-status.js';
import type { NamedConfig } from './fleet-configs.js';
import { MemberTunnel, type MemberTunnelOptions, type MemberTunnelPorts } from './member-tunnel.js';

export interface FleetMemberOptions extends MemberTunnelOptions {
  /** Limits how many tunnels open at the same time. */
  readonly opening: TaskLimit;
  /** Where to create the control socket of each SIM. */
  readonly folders: readonly string[];
  readonly version: string;
}

/** The state of a SIM, for the report of `up`. */
export interface MemberReport {
  readonly name: string;
  /** The SIM ID; empty if it is unknown. */
  readonly simId: string;
  readonly isUp: boolean;
  /** Why the tunnel is not open; undefined if it is, although its server may be silent. */
  readonly problem: string | undefined;
}

export function upCountText(sims: readonly Pick<MemberReport, 'isUp'>[]): string {
  return `${sims.filter(({ isUp }) => isUp).length} of ${sims.length} tunnels are up`;
}

/** The first and the longest pause in milliseconds before the tunnel is opened again. */
const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 60_000;

/** How long in milliseconds a client waits for a tunnel that opens. */
const PATIENCE = 10_000;

/** The start of the log line for a failure, which an error may already have. */
const FAILURE = 'cannot open the tunnel';

export class FleetMember {
  readonly config: NamedConfig;
  /** The open TCP connections. */
  readonly connections: ConnectionList;
  readonly dialer: Dialer = {
    dial: async (target, signal) => (await this.#opened(signal)).tunnel.dialer.dial(target, signal),
  };
  readonly datagramPorts: DatagramPorts = {
    bind: async (onDatagram) => (await this.#opened()).tunnel.datagramPorts.bind(onDatagram),
    resolve: async (name, signal) =>
      (await this.#opened(signal)).tunnel.datagramPorts.resolve(name, signal),
  };
  readonly #options: FleetMemberOptions;
  readonly #ports: MemberTunnelPorts;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #attempt: Promise<MemberTunnel> = Promise.reject(new Error('the tunnel is not open yet'));
  #open: MemberTunnel | undefined;
  #offer: StatusOffer | undefined;
  #problem: string | undefined;
  /** Whether reload() was called since the current attempt began, which may have read an old file. */
  #isReloadWanted = false;
  /** Ends the pause before the next attempt. */
  #hurry: () => void = () => undefined;
  #life: Promise<void> = Promise.resolve();

  /** @param ports the log must name the SIM */
  constructor(config: NamedConfig, options: FleetMemberOptions, ports: MemberTunnelPorts) {
    this.config = config;
    this.#options = options;
    this.#ports = ports;
    this.#log = ports.log;
    this.#clock = ports.clock;
    this.connections = new ConnectionList(() => ports.clock.now());
    this.#attempt.catch(() => undefined);
  }

  get name(): string {
    return this.config.name;
  }

  /** The SIM ID; empty if the configuration was not read yet, or has none. */
  get simId(): string {
    return this.#open?.simId ?? '';
  }

  /**
   * Starts to open the tunnel.
   *
   * @returns a promise that resolves after the first handshake, or after the first failure
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#life = this.#live(resolve);
    });
  }

  /** Reads the configuration again, and opens the tunnel now if it is not open. */
  reload(): void {
    this.#isReloadWanted = true;
    if (this.#open === undefined) this.#hurry();
    else this.#open.reload();
  }

  /** @throws Error if the tunnel is not open; its message is worded as the end of a sentence */
  status(): Promise<TunnelStatus> {
    if (this.#open !== undefined) return this.#open.tunnel.status();
    return Promise.reject(new Error(this.#problem ?? 'the tunnel is not open yet'));
  }

  async report(): Promise<MemberReport> {
    const status = await this.status().catch(() => undefined);
    const { name, simId } = this;
    return { name, simId, isUp: status?.health === 'up', problem: this.#problem };
  }

  /** @param graceMs how long sent data may take to arrive */
  async close(graceMs: number): Promise<void> {
    this.#stop.abort(new Error('the tunnel is closing'));
    this.#hurry();
    await this.#life;
    await this.#offer?.close();
    await this.#open?.close(graceMs);
    this.#open = undefined;
  }

  async #live(onSettled: () => void): Promise<void> {
    const { signal } = this.#stop;
    this.#offer = await this.#offerStatus();
    const { socket } = this.#offer;
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      this.#attempt = this.#options.opening.run(() => {
        this.#isReloadWanted = false;
        const place = { path: this.config.path, socket };
        return MemberTunnel.open(place, this.#options, this.#ports, signal);
      });
      this.#attempt.catch(() => undefined);
      try {
        this.#open = await this.#attempt;
        this.#problem = undefined;
        if (this.#isReloadWanted) this.#open.reload();
        this.#open.firstHandshake.then(onSettled, onSettled);
        return;
      } catch (error) {
        this.#fail(error);
      }
      onSettled();
      if (!this.#isReloadWanted) await this.#pause(pause);
    }
    onSettled();
  }

  /** Logs a failure, unless it is the same as before or caused by a stop. */
  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const problem = messageOf(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    const next = error instanceof UserError ? error.next : [];
    const cause = error instanceof UserError && error.what === FAILURE ? error.why : problem;
    const text = `${FAILURE}: ${cause}. arctun tries again.`;
    this.#log.error({}, [text, ...next].join(' '));
  }

  #pause(duration: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.startTimer(duration, resolve);
      this.#hurry = () => {
        timer.cancel();
        resolve();
      };
      if (this.#stop.signal.aborted) this.#hurry();
    });
  }

  /** Opens the control socket, which also reports why the tunnel is not open. */
  #offerStatus(): Promise<StatusOffer> {
    const { version, folders, pid } = this.#options;
    const open = () => this.#open;
    return offerStatus(
      {
        version,
        pid,
        folders,
        interfaceName: this.name,
        uapiName: undefined,
        isOfFleet: true,
        statusListen: undefined,
        signal: this.#stop.signal,
        tunnel: () => this,
        counters: () => ({}),
        listeners: () => ({}),
        connections: () => this.connections.list(),
        get simId() {
          return open()?.simId ?? '';
        },
        get nameServers() {
          return open()?.nameServers;
        },
        get streams() {
          return open()?.shared.requests;
        },
      },
      this.#ports,
    );
  }

  async #opened(signal?: AbortSignal): Promise<MemberTunnel> {
    if (this.#open !== undefined) return this.#open;
    const opened = await inTime(
      untilAborted(this.#attempt, signal),
      PATIENCE,
      this.#clock,
      signal,
    ).catch((error: unknown) => {
      if (signal?.aborted === true) throw error;
      return undefined;
    });
    if (opened !== undefined) return opened;
    throw new DialError('not-ready', `the tunnel of the SIM ${this.name} is not open`);
  }
}
