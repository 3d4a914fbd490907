/** The spool of a running `up`: keeps the forwarder's requests, and sends them later. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { Timer } from '../../ports/clock.js';
import type { Dialer } from '../../proxy/dialer.js';
import { KeptConnections } from '../../proxy/http/target/kept-connections.js';
import { RESPONSE_TIMEOUT } from '../../proxy/http/limits.js';
import { SpoolKeeper } from '../../proxy/spool/spool-keeper.js';
import { sendRequest } from '../../proxy/spool/send-request.js';
import type { SpoolState } from '../../proxy/spool/spool-entry.js';
import { SpoolPump } from '../../proxy/spool/spool-pump.js';
import { summedLog } from '../../proxy/summed-log.js';
import { ownSpool, type OwnedSpool, type OwnSpoolPorts, type SpoolSettings } from './open-spool.js';

export interface ForwarderSpoolOptions {
  readonly settings: SpoolSettings;
  /** This process's ID. */
  readonly pid: number;
  /** How long to wait for a `send` that uses the spool, in milliseconds. */
  readonly wait: number;
  readonly signal: AbortSignal;
  /** Whether to send a request again if it is certain that the target has not read it. */
  readonly resends: boolean;
}

/** The number of messages in each state. */
export type SpoolCounts = Readonly<Record<SpoolState, number>>;

export interface SpoolStatus extends SpoolCounts {
  readonly folder: string;
}

/** The part of the grace period after which requests in progress are settled. */
const PATIENCE = 0.8;

const UNWRITABLE =
  'cannot save messages in the spool; a message that cannot be sent at once will be refused';

export class ForwarderSpool {
  readonly #owned: OwnedSpool;
  readonly #options: ForwarderSpoolOptions;
  readonly #ports: OwnSpoolPorts;
  readonly #stopping = new AbortController();
  readonly #kept: KeptConnections;
  readonly #keeper: SpoolKeeper;
  #pump: SpoolPump | undefined;
  #timer: Timer | undefined;

  private constructor(owned: OwnedSpool, options: ForwarderSpoolOptions, ports: OwnSpoolPorts) {
    this.#owned = owned;
    this.#options = options;
    this.#ports = ports;
    this.#kept = new KeptConnections({ resends: options.resends });
    this.#keeper = new SpoolKeeper({
      spool: owned.spool,
      log: summedLog(ports.log),
      signal: this.#stopping.signal,
      onQueued: (target) => this.#pump?.queued(target),
    });
  }

  /** @throws UserError if the folder cannot be used, or another process uses it */
  static async open(options: ForwarderSpoolOptions, ports: OwnSpoolPorts): Promise<ForwarderSpool> {
    const owned = await ownSpool(options.settings, { ...options, isLasting: true }, ports);
    await owned.spool.tryToSave().catch((error: unknown) => {
      // The disk may get space later, and messages can be sent without the spool.
      ports.log.warn({ path: options.settings.folder, reason: messageOf(error) }, UNWRITABLE);
    });
    return new ForwarderSpool(owned, options, ports);
  }

  /** Saves the forwarder's requests. */
  get keeper(): SpoolKeeper {
    return this.#keeper;
  }

  /** Starts to send the messages that wait. */
  sendThrough(dialer: Dialer): void {
    const { clock, entropy, log } = this.#ports;
    const { signal } = this.#stopping;
    const limits = { dialer, kept: this.#kept, timeout: RESPONSE_TIMEOUT, signal };
    this.#pump = new SpoolPump({
      ...{ clock, entropy, log: summedLog(log), spool: this.#owned.spool },
      send: (message) => sendRequest(message, limits),
    });
    this.#pump.start();
  }

  /** Call this after each handshake, to send what waits. */
  linkIsUp(): void {
    this.#pump?.linkIsUp();
  }

  async status(): Promise<SpoolStatus> {
    const counts = { queued: 0, sending: 0, unknown: 0, refused: 0 };
    for (const { state } of await this.#owned.spool.list()) counts[state]++;
    return { folder: this.#options.settings.folder, ...counts };
  }

  /**
   * Sends no more of the messages that wait. Resolves when no message is being sent. Call this when
   * the forwarder begins to close.
   *
   * @param graceMs how long messages in progress may take
   */
  async stop(graceMs: number): Promise<void> {
    this.#timer = this.#ports.clock.startTimer(graceMs * PATIENCE, () => this.#abort());
    await this.#pump?.stop();
    await this.#keeper.settled();
  }

  /** Releases the folder. Call this after the forwarder has closed. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#abort();
    await this.#pump?.stop();
    await this.#keeper.settled();
    this.#kept.close();
    await this.#owned.close();
  }

  #abort(): void {
    this.#stopping.abort(new Error('arctun is stopping'));
  }
}
