/**
 * systemd's readiness protocol (sd_notify(3), sd_watchdog_enabled(3)): datagrams to $NOTIFY_SOCKET. Node
 * has no datagrams of unix(7), so they go out through the C library; where that does not load, by
 * systemd-notify, a process for each, which the unit has to allow by NotifyAccess=all.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { CommandRunner } from '../../ports/command-runner.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { ServiceManager, ServiceState } from '../../ports/service-manager.js';
import type { Log } from '../../ports/log.js';
import { type Libc, loadLibc } from '../linux/libc.js';
import { UnixDatagramSender } from '../linux/udp/unix-datagram.js';

/** What a service manager has put into the environment for us. */
export interface ServiceEnvironment {
  /** $NOTIFY_SOCKET. */
  readonly socket: string;
  /** Milliseconds; undefined where we are not watched. */
  readonly watchdogTimeout: number | undefined;
}

export interface ServiceNotificationPorts {
  /** For systemd-notify. */
  readonly commands: CommandRunner;
  readonly log: Log;
}

/** Characters of a value. Of a datagram systemd reads no more than 4,096 bytes. */
const LONGEST_VALUE = 1_000;

/** Milliseconds between two tries, and how many there are, where the receiver has no room. */
const RETRY = 50;
const MOST_TRIES = 100;

/** Milliseconds for systemd-notify. */
const TIMEOUT = 5_000;

/**
 * Reads what sd_notify(3) and sd_watchdog_enabled(3) read, and takes it out of the environment: the
 * commands that we run are not the service.
 *
 * @returns undefined where nobody wants to be told
 */
export function takeServiceEnvironment(
  env: Record<string, string | undefined> = process.env,
  pid = process.pid,
): ServiceEnvironment | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: timeout, WATCHDOG_PID: watched } = env;
  delete env.NOTIFY_SOCKET;
  delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  if (!socket) return undefined;
  const isWatched = watched === undefined || watched === String(pid);
  return { socket, watchdogTimeout: isWatched ? watchdogTimeout(timeout) : undefined };
}

/** 0 and 2^64 - 1 are none (sd_watchdog_enabled(3)), nor is what no number holds exactly. */
function watchdogTimeout(microseconds: string | undefined): number | undefined {
  if (microseconds === undefined || !/^\d+$/.test(microseconds)) return undefined;
  const value = Number(microseconds);
  return value > 0 && Number.isSafeInteger(value) ? value / 1000 : undefined;
}

/** The service manager that has started us; undefined where none has, or none that wants to be told. */
export async function openServiceManager(
  ports: ServiceNotificationPorts,
  environment = takeServiceEnvironment(),
  libc?: Libc,
): Promise<ServiceManager | undefined> {
  if (environment === undefined) return undefined;
  return new ServiceNotifications(environment, ports, libc ?? (await loadLibc()));
}

/** Without the C library, `libc` is undefined. */
export class ServiceNotifications implements ServiceManager {
  readonly watchdogTimeout: number | undefined;
  readonly #socket: string;
  readonly #ports: ServiceNotificationPorts;
  readonly #sender: UnixDatagramSender | undefined;
  readonly #queue = new SerialQueue();
  #hasFailed = false;

  constructor(
    { socket, watchdogTimeout }: ServiceEnvironment,
    ports: ServiceNotificationPorts,
    libc: Libc | undefined,
  ) {
    this.#socket = socket;
    this.watchdogTimeout = watchdogTimeout;
    this.#ports = ports;
    this.#sender = libc && new UnixDatagramSender(libc);
  }

  notify(state: ServiceState): Promise<void> {
    const assignments = Object.entries(withTime(state)).map(
      // A line end would make another assignment of the rest.
      ([name, value]) => `${name}=${value.replace(/[\r\n\0]+/g, ' ').slice(0, LONGEST_VALUE)}`,
    );
    return this.#queue.run(() => this.#deliver(assignments));
  }

  async #deliver(assignments: readonly string[]): Promise<void> {
    try {
      // vsock:CID:PORT is for a whole virtual machine, and speaks to nobody whom we know.
      if (!/^[/@]./.test(this.#socket)) throw new Error(`cannot write to ${this.#socket}`);
      if (this.#sender === undefined) await this.#run(assignments);
      else await this.#send(this.#sender, Buffer.from(assignments.join('\n')));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #send(sender: UnixDatagramSender, bytes: Uint8Array): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        sender.send(this.#socket, bytes);
        return;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || tries === MOST_TRIES) throw error;
      }
      await sleep(RETRY);
    }
  }

  async #run(assignments: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.#ports.commands.run(
      ['systemd-notify', ...assignments],
      { timeout: TIMEOUT, environment: { NOTIFY_SOCKET: this.#socket } },
    );
    if (exitCode !== 0) throw new Error(`systemd-notify: ${stderr.trim() || `exit ${exitCode}`}`);
  }

  /** Said once: a watchdog would say it every minute. */
  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ports.log.warn({ reason: messageOf(error) }, 'cannot notify the service manager');
  }
}

/** systemd waits for a RELOADING that is later than its signal, by CLOCK_MONOTONIC (sd_notify(3)). */
function withTime(state: ServiceState): ServiceState {
  if (state.RELOADING === undefined) return state;
  const [seconds, nanoseconds] = process.hrtime();
  const microseconds = seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
  return { ...state, MONOTONIC_USEC: String(microseconds) };
}
