/** Reports the state of `up` to a service manager (sd_notify(3)). */
import type { ServiceManager } from '../../ports/service-manager.js';
import type { Timer, Clock } from '../../ports/clock.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import { isoTime } from '../iso-time.js';

export type ServedTunnel = Pick<Tunnel, 'status'>;

export interface ServiceStatesOptions extends Pick<TunnelPorts, 'clock' | 'wallClock'> {
  /** The service manager; without one, all methods do nothing. */
  readonly manager: ServiceManager | undefined;
}

/** The length of each extension of the start timeout, in milliseconds. */
const START_EXTENSION = 30_000;

/** The interval between status updates, in milliseconds. */
const STATUS_INTERVAL = 15_000;

/** A handshake is overdue after this many milliseconds: REKEY_TIMEOUT (whitepaper 6.1) plus 1 s. */
const PATIENCE = 6_000;

/**
 * Reports the state from start to stop. Watchdog messages start immediately, because the watchdog
 * of a Type=simple unit is already running. The start timeout is extended until the service is
 * ready, because --wait already limits the wait for a handshake.
 */
export class ServiceStates {
  readonly #options: ServiceStatesOptions;
  readonly #endBeats: (() => void)[] = [];
  #tunnel: ServedTunnel | undefined;
  /** Returns the status to show. */
  #describe: (() => Promise<string>) | undefined;
  /** Whether a status request is pending; a hung tunnel is asked only once. */
  #isAsking = false;
  #phase: 'starting' | 'ready' | 'stopping' = 'starting';
  /** The number of reloads in progress. */
  #reloads = 0;
  #status = '';
  #statusTimer: Timer | undefined;
  /** When the current silence was first noticed. */
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

  /**
   * Sets the tunnel whose status is reported. It may still be connecting. Replaces an earlier tunnel.
   */
  watch(tunnel: ServedTunnel): void {
    this.#tunnel = tunnel;
    this.#describe = async () => this.#textOf(await tunnel.status());
    void this.#look();
  }

  /** Sets the source of the status of several tunnels. The watchdog does not ask it. */
  watchSeveral(describe: () => Promise<string>): void {
    this.#describe = describe;
    void this.#look();
  }

  /** Reports that the service is ready, after the first handshake; further calls do nothing. */
  ready(): void {
    if (this.#phase !== 'starting') return;
    this.#phase = 'ready';
    this.#tellReady();
  }

  /** Runs a reload. If the service is not ready yet, the reload counts as part of its start. */
  async reload<T>(work: () => Promise<T>): Promise<T> {
    if (this.#phase !== 'ready') return work();
    this.#reloads++;
    void this.#notify({ RELOADING: '1' });
    this.#tellStatus('Reloading');
    try {
      return await work();
    } finally {
      // Report ready even if the reload failed, because the service continues unchanged.
      if (--this.#reloads === 0 && this.#isReady()) this.#tellReady();
    }
  }

  /**
   * Reports that the service is stopping. No state is reported afterwards.
   * @param why the reason to show in `systemctl status`; absent for a requested stop
   * @returns a promise to await before the process exits; resolves when all notifications are sent
   */
  async stopping(why?: string): Promise<void> {
    if (this.#phase === 'stopping') return;
    this.#phase = 'stopping';
    for (const end of this.#endBeats) end();
    this.#statusTimer?.cancel();
    await this.#notify({
      STOPPING: '1',
      STATUS: why === undefined ? 'Stopping' : `Stopping: ${why}`,
    });
  }

  #isReady(): boolean {
    return this.#phase === 'ready';
  }

  /** Sends READY, then requests the tunnel's status and sends it. */
  #tellReady(): void {
    void this.#notify({ READY: '1' });
    void this.#look();
  }

  #beat(timeout: number, beat: () => void): void {
    const isAlive = () => this.#isAlive();
    this.#endBeats.push(startLivenessBeats({ timeout, isAlive, beat }, this.#options.clock));
  }

  /**
   * True if the data path responds, or if the tunnel is not open yet. The server's state does not
   * matter: `up` retries forever, so a restart would not help.
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

  /** Sends the current status; the watchdog detects a hung tunnel. */
  async #look(): Promise<void> {
    const describe = this.#describe;
    if (describe === undefined || this.#isAsking || this.#options.manager === undefined) return;
    this.#isAsking = true;
    const text = await describe().catch(() => undefined);
    this.#isAsking = false;
    if (text !== undefined && this.#reloads === 0) this.#tellStatus(text);
  }

  /** Sends the status if it has changed. */
  #tellStatus(status: string): void {
    if (status === this.#status || this.#phase === 'stopping') return;
    this.#status = status;
    void this.#notify({ STATUS: status });
  }

  #textOf({ peers: [peer], silence: known, unanswered }: TunnelStatus): string {
    // A handshake that has just started is not overdue yet.
    const isMissed = unanswered === undefined || unanswered.for >= PATIENCE;
    const silence = isMissed ? known : undefined;
    const now = isoTime(this.#options.wallClock.unixMilliseconds());
    this.#silentSince = silence && (this.#silentSince ?? now);
    const server = peer?.endpoint ?? 'the Arc server';
    const state = silence ? `, no response since ${this.#silentSince} (${silence.reason})` : '';
    if (peer?.latestHandshakeUnix === undefined) {
      return `Waiting for the first handshake with ${server}${state}`;
    }
    return `Tunnel to ${server}: last handshake at ${isoTime(peer.latestHandshakeUnix)}${state}`;
  }

  async #notify(state: Readonly<Record<string, string>>): Promise<void> {
    await this.#options.manager?.notify(state);
  }
}

export interface LivenessBeats {
  /** The next heartbeat must arrive within this many milliseconds. */
  readonly timeout: number;
  /** Whether the process is working. A slow response counts as a failure. */
  readonly isAlive: () => Promise<boolean>;
  readonly beat: () => void;
}

/**
 * Checks at half of the timeout, as sd_watchdog_enabled(3) recommends. Sends a heartbeat if
 * `isAlive` succeeds within a quarter of the timeout. Otherwise checks again soon, so that one slow
 * response does not end the process. Only one check runs at a time.
 * @returns a function that stops the heartbeats
 */
export function startLivenessBeats(
  { timeout, isAlive, beat }: LivenessBeats,
  clock: Clock,
): () => void {
  let timer: Timer | undefined;
  let isEnded = false;
  const ask = async () => {
    const askedAt = clock.now();
    const answer = await isAlive().catch(() => false);
    if (isEnded) return;
    const isInTime = clock.now() - askedAt <= timeout / 4;
    if (answer && isInTime) beat();
    arm(answer && isInTime ? timeout / 2 : timeout / 8);
  };
  const arm = (delay: number) => {
    timer = clock.startTimer(delay, () => void ask());
  };
  arm(timeout / 2);
  return () => {
    isEnded = true;
    timer?.cancel();
  };
}
