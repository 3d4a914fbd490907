/** The life of `up` as a service manager sees it (sd_notify(3)). */
import type { ServiceManager } from '../../ports/service-manager.js';
import type { Clock, Timer, WallClock } from '../../ports/clock.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import { isoTime } from '../iso-time.js';
import { startLivenessBeats } from './liveness-beats.js';

/** What a tunnel has to tell. */
export type ServedTunnel = Pick<Tunnel, 'status'>;

export interface ServiceStatesOptions {
  /** undefined where nobody wants to be told: then nothing is done. */
  readonly manager: ServiceManager | undefined;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/** Milliseconds by which a start may take longer, each time that it is asked for. */
const START_EXTENSION = 30_000;

/** Milliseconds between two looks at what there is to tell of the tunnel. */
const STATUS_INTERVAL = 15_000;

/** Milliseconds: REKEY_TIMEOUT (whitepaper 6.1), after which an initiation is sent again, and a second. */
const PATIENCE = 6_000;

/**
 * From a start to a stop. The watchdog is answered from the first moment on, for one of a unit of
 * Type=simple runs by then. While the service is not ready, systemd is asked for more time: how long
 * to wait for a handshake is said by --wait, and `up` ends by itself where there is none.
 */
export class ServiceStates {
  readonly #options: ServiceStatesOptions;
  readonly #endBeats: (() => void)[] = [];
  #tunnel: ServedTunnel | undefined;
  /** Whether the tunnel is being asked: one that hangs is asked once. */
  #isAsking = false;
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  /** Reloads that run. */
  #reloads = 0;
  #status = '';
  #statusTimer: Timer | undefined;
  /** When the silence was seen first that there is. */
  #silentSince: string | undefined;

  constructor(options: ServiceStatesOptions) {
    this.#options = options;
    const { manager } = options;
    if (manager === undefined) return;
    const { watchdogTimeout } = manager;
    if (watchdogTimeout !== undefined) {
      this.#beat(watchdogTimeout, () => void this.#notify({ WATCHDOG: '1' }));
    }
    const extension = { EXTEND_TIMEOUT_USEC: String(START_EXTENSION * 1000) };
    this.#beat(START_EXTENSION, () => {
      if (this.#phase === 'starting') void this.#notify(extension);
    });
    this.#tellStatus('Starting');
    this.#armStatus();
  }

  /** There is a tunnel, whose handshake is under way. Another takes the place of the one before. */
  watch(tunnel: ServedTunnel): void {
    this.#tunnel = tunnel;
    void this.#look();
  }

  /** To be called when the first handshake is complete; a second time does nothing. */
  ready(): void {
    if (this.#phase !== 'starting') return;
    this.#phase = 'ready';
    this.#tellReady();
  }

  /** Runs a reload. One that comes before the service is ready is part of its start. */
  async reload<T>(work: () => Promise<T>): Promise<T> {
    if (this.#phase !== 'ready') return work();
    this.#reloads++;
    void this.#notify({ RELOADING: '1' });
    this.#tellStatus('Reloading');
    try {
      return await work();
    } finally {
      // Ready even where the reload has failed: the service goes on as it was.
      if (--this.#reloads === 0 && this.#isReady()) this.#tellReady();
    }
  }

  /**
   * The service ends; nothing is told behind this.
   *
   * @param why shown by `systemctl status`; absent for a stop that was asked for
   * @returns resolves when it was told, and all before it; to be awaited before the process exits
   */
  async stopping(why?: string): Promise<void> {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    for (const end of this.#endBeats) end();
    this.#statusTimer?.cancel();
    await this.#notify({ STOPPING: '1', STATUS: why === undefined ? 'Stopping' : `Ends: ${why}` });
  }

  #isReady(): boolean {
    return this.#phase === 'ready';
  }

  /** The status follows: it has to be asked for. */
  #tellReady(): void {
    void this.#notify({ READY: '1' });
    void this.#look();
  }

  #beat(timeout: number, beat: () => void): void {
    const isAlive = () => this.#isAlive();
    this.#endBeats.push(startLivenessBeats({ timeout, isAlive, beat }, this.#options.clock));
  }

  /**
   * Whether the data path still turns: it answers, or there is none yet. A server that is silent is no
   * reason to say no: `up` tries it for ever, and a restart would do nothing else.
   */
  async #isAlive(): Promise<boolean> {
    await this.#tunnel?.status();
    return true;
  }

  #armStatus(): void {
    this.#statusTimer = this.#options.clock.startTimer(STATUS_INTERVAL, () => {
      void this.#look();
      this.#armStatus();
    });
  }

  /** Asks the tunnel how it is, and tells it; what hangs is the watchdog's to judge. */
  async #look(): Promise<void> {
    if (this.#tunnel === undefined || this.#isAsking || this.#options.manager === undefined) return;
    this.#isAsking = true;
    const status = await this.#tunnel.status().catch(() => undefined);
    this.#isAsking = false;
    if (status !== undefined && this.#reloads === 0) this.#tellStatus(this.#textOf(status));
  }

  /** Tells the status where it is another than before. */
  #tellStatus(status: string): void {
    if (status === this.#status || this.#phase === 'stopping') return;
    this.#status = status;
    void this.#notify({ STATUS: status });
  }

  #textOf({ peers: [peer], silence: known, unanswered }: TunnelStatus): string {
    // A handshake that has just begun is answered in its time.
    const isMissed = unanswered === undefined || unanswered.for >= PATIENCE;
    const silence = isMissed ? known : undefined;
    this.#silentSince = silence && (this.#silentSince ?? this.#now());
    const server = peer?.endpoint ?? 'the Arc server';
    const state = silence ? `, silent since ${this.#silentSince} (${silence.reason})` : '';
    if (peer?.latestHandshakeUnix === undefined) {
      return `Waiting for the first handshake with ${server}${state}`;
    }
    return `Tunnel to ${server}: last handshake at ${isoTime(peer.latestHandshakeUnix)}${state}`;
  }

  #now(): string {
    return isoTime(this.#options.wallClock.unixMilliseconds());
  }

  async #notify(state: Readonly<Record<string, string>>): Promise<void> {
    await this.#options.manager?.notify(state);
  }
}
