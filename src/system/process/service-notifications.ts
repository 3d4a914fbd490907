/**
 * Implements systemd's readiness protocol (sd_notify(3), sd_watchdog_enabled(3)): datagrams to
 * $NOTIFY_SOCKET. Node.js does not support unix(7) datagrams, so they are sent through the C
 * library. Without the library, each notification starts systemd-notify, which the unit must allow
 * with NotifyAccess=all.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { CommandRunner } from '../../ports/command-runner.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { ServiceManager, ServiceState } from '../../ports/service-manager.js';
import type { Log } from '../../ports/log.js';
import { type Libc, loadLibc } from '../linux/libc.js';
import { UnixDatagramSender } from '../linux/udp/unix-datagram.js';

/** The settings that a service manager passes in environment variables. */
export interface ServiceEnvironment {
  readonly socket: string;
  /** The timeout in milliseconds; undefined if the watchdog is disabled. */
  readonly watchdogTimeout: number | undefined;
}

export interface ServiceNotificationPorts {
  readonly commands: CommandRunner;
  readonly log: Log;
}

/** The maximum number of characters in a value; systemd reads at most 4,096 bytes of a datagram. */
const LONGEST_VALUE = 1_000;

/**
 * The pause in ms between attempts while the receiver's buffer is full, and the number of attempts.
 */
const RETRY = 50;
const MOST_TRIES = 100;

/** The timeout of systemd-notify in milliseconds. */
const TIMEOUT = 5_000;

/**
 * Reads the environment variables of sd_notify(3) and sd_watchdog_enabled(3). Removes them from the
 * environment, because they do not apply to started commands.
 *
 * @returns undefined if no service manager requests notifications
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

/**
 * Parses the watchdog timeout. Returns undefined for 0 and 2^64 - 1, which disable the watchdog
 * (sd_watchdog_enabled(3)), and for values that a number cannot represent exactly.
 */
function watchdogTimeout(microseconds: string | undefined): number | undefined {
  if (microseconds === undefined || !/^\d+$/.test(microseconds)) return undefined;
  const value = Number(microseconds);
  return value > 0 && Number.isSafeInteger(value) ? value / 1000 : undefined;
}

/**
 * Returns the service manager that started this process; undefined if it does not request
 * notifications.
 */
export async function openServiceManager(
  ports: ServiceNotificationPorts,
  environment = takeServiceEnvironment(),
  libc?: Libc,
): Promise<ServiceManager | undefined> {
  if (environment === undefined) return undefined;
  return new ServiceNotifications(environment, ports, libc ?? (await loadLibc()));
}

/** Sends notifications; `libc` is undefined if the C library cannot be loaded. */
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
      // A line break would start another assignment.
      ([name, value]) => `${name}=${value.replace(/[\r\n\0]+/g, ' ').slice(0, LONGEST_VALUE)}`,
    );
    return this.#queue.run(() => this.#deliver(assignments));
  }

  async #deliver(assignments: readonly string[]): Promise<void> {
    try {
      // Only paths and abstract names are supported, not vsock:CID:PORT, which virtual machines
      // use.
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
    if (exitCode !== 0)
      throw new Error(`systemd-notify: ${stderr.trim() || `exit code ${exitCode}`}`);
  }

  /**
   * Log only the first failure, because the warning would otherwise be repeated with each watchdog
   * message.
   */
  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ports.log.warn({ reason: messageOf(error) }, 'cannot notify the service manager');
  }
}

/** Adds the CLOCK_MONOTONIC time that systemd requires with RELOADING (sd_notify(3)). */
function withTime(state: ServiceState): ServiceState {
  if (state.RELOADING === undefined) return state;
  const [seconds, nanoseconds] = process.hrtime();
  const microseconds = seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
  return { ...state, MONOTONIC_USEC: String(microseconds) };
}
