/**
 * Renews the Arc session of an open tunnel if nothing arrives from the Arc server. If a session has
 * ended, the server ignores its packets, and only SORACOM's API shows that the session has ended.
 */
import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import { SKELETON_SIM_ID, type ArcSession } from '../../arc-config/arc-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { sameBytes } from '../../lib/same-bytes.js';
import { UserError } from '../../lib/errors/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { Clock, Timer, WallClock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { Tunnel } from '../../tunnel/tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { askPlatform, type Verdict } from '../sim/ask-platform.js';
import type { Finding } from '../sim/diagnose-sim.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { keepSession } from './refresh-session.js';
import { RenewalMoments, type Suspicion } from './renewal-moments.js';
import type { RunningConfig } from './running-config.js';
import type { StateHome } from './session-state.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';

export type RenewalApi = Pick<
  SoracomApi,
  'auth' | 'logout' | 'getSim' | 'createArcSession' | 'serverTime'
>;

export interface RenewalPorts extends SignInPorts<RenewalApi>, StateHome {
  /** Computes the public key of an X25519 private key. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** Saves a new session before the tunnel uses it; keepSession() by default. */
  readonly keep?: typeof keepSession;
  /**
   * Writes a new key and session to arc.json, instead of asking the SORACOM API. Called only if the
   * server is silent, because the old key then stops working.
   */
  bootstrapAgain?(): Promise<void>;
  /** Called after the tunnel has switched to another session or key. */
  onRenewed?(renewal: Renewal): void;
  /** Called with the text of each warning and error of the renewal. */
  onProblem?(text: string): void;
}

/** A change to the configuration of an open tunnel. */
export interface Renewal {
  /** The reasons, as sentences. */
  readonly why: readonly string[];
  /** The names of the changed settings; empty if the server treats an equal session as new. */
  readonly changed: readonly string[];
  /** The path of the file that contains the session; undefined if it could not be saved. */
  readonly keptIn: string | undefined;
}

export type RenewalEnvironment = Pick<TunnelPorts, 'clock' | 'wallClock' | 'entropy' | 'log'>;

export class SessionRenewal {
  readonly #tunnel: Pick<Tunnel, 'status'>;
  readonly #running: RunningConfig;
  readonly #ports: RenewalPorts;
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  readonly #log: Log;
  readonly #moments: RenewalMoments;
  readonly #stop = new AbortController();
  /** Warnings that were already logged. */
  readonly #said = new Set<string>();
  #changesSeen: number;
  #finding: Finding | undefined;
  /** The number of changes to the configuration when #finding was set. */
  #foundAt = 0;
  /** Whether this machine's clock was slow when SORACOM last responded. */
  #isClockSlow = false;
  #timer: Timer | undefined;
  #look: Promise<void> = Promise.resolve();

  /** Starts to monitor the tunnel, whose first handshake may still be pending. */
  constructor(
    tunnel: Pick<Tunnel, 'status'>,
    running: RunningConfig,
    ports: RenewalPorts,
    { clock, wallClock, entropy, log }: RenewalEnvironment,
  ) {
    this.#tunnel = tunnel;
    this.#running = running;
    this.#ports = ports;
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#log = log;
    this.#moments = new RenewalMoments(entropy);
    this.#changesSeen = running.changes;
    this.#arm(0);
  }

  /**
   * The problem in SORACOM's latest response that the user must fix. Undefined after the
   * configuration has changed, possibly to that of another SIM.
   */
  get finding(): Finding | undefined {
    return this.#foundAt === this.#running.changes ? this.#finding : undefined;
  }

  /** Stops monitoring. Resolves when all requests and writes are finished. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the tunnel is closing'));
    this.#timer?.cancel();
    await this.#look;
  }

  #arm(delay: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = this.#clock.startTimer(delay, () => {
      this.#look = this.#watch();
    });
  }

  async #watch(): Promise<void> {
    // status() rejects after the tunnel has ended, which is reported elsewhere.
    const status = await this.#tunnel.status().catch(() => undefined);
    if (status === undefined) return;
    const now = this.#clock.now();
    if (this.#running.changes !== this.#changesSeen) {
      this.#changesSeen = this.#running.changes;
      this.#moments.changed(now);
    }
    const moment = this.#moments.look(status, now);
    if ('nextLook' in moment) {
      this.#arm(moment.nextLook);
      return;
    }
    const { suspicion } = moment;
    await this.#running
      .inTurn(() => this.#renew(suspicion))
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#tellFailure(error, suspicion);
      });
    this.#moments.asked(suspicion, this.#clock.now());
    this.#arm(0);
  }

  async #renew(suspicion: Suspicion): Promise<void> {
    this.#stop.signal.throwIfAborted();
    const target = await this.#reread();
    if (await this.#takeOver(target)) return;
    if (this.#ports.bootstrapAgain !== undefined) {
      if (suspicion !== 'silent') return;
      await this.#ports.bootstrapAgain();
      await this.#takeOver(await this.#reread());
      return;
    }
    const { simId, profile } = target.original;
    if (simId === '' || simId === SKELETON_SIM_ID) {
      if (suspicion === 'silent')
        this.#warnOnce(`${SILENT}: ${target.source} does not contain a simId`);
      return;
    }
    this.#log.debug({ suspicion }, 'checking the session with SORACOM');
    const answer = await signedIn(profile, this.#ports, this.#stop.signal, async (api) => {
      const publicKeyOf = (key: Uint8Array) => this.#ports.publicKeyOf(key);
      const verdict = await askPlatform(target, suspicion, api, publicKeyOf);
      this.#isClockSlow = isSlow(this.#wallClock, api.serverTime);
      return verdict;
    });
    await this.#act(answer, suspicion, target);
  }

  /** Rereads arc.json. If it cannot be read again, it must not be overwritten. */
  async #reread(): Promise<LoadedArcConfig> {
    try {
      return await this.#running.reread();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#log.debug({ reason: error.message }, 'cannot reload the configuration');
      return { ...this.#running.arcConfig, path: undefined };
    }
  }

  /** Applies the session in arc.json, which may already be the new one. */
  async #takeOver(target: LoadedArcConfig): Promise<boolean> {
    if (target.path === undefined) return false;
    try {
      const changed = await this.#running.apply(target);
      if (changed.length === 0) return false;
      this.#log.info({ changed }, `applied the changes in ${target.source}`);
      const why = [`${target.source} has changed.`];
      this.#ports.onRenewed?.({ why, changed, keptIn: this.#ports.files.absolute(target.path) });
      return true;
    } catch (error) {
      if (!(error instanceof ArcConfigError)) throw error;
      // The file may be incomplete because a user is still editing it.
      this.#log.debug({ reason: error.message }, 'cannot apply the configuration');
      return false;
    }
  }

  async #act(answer: Verdict, suspicion: Suspicion, target: LoadedArcConfig): Promise<void> {
    this.#finding = undefined;
    switch (answer.kind) {
      case 'needs-user':
        this.#finding = answer.finding;
        this.#foundAt = this.#running.changes;
        this.#warnOnce(`${answer.finding.problem} ${answer.finding.next}`);
        break;
      case 'agrees':
        if (suspicion === 'silent') this.#warnOnce(agreement(target, this.#isClockSlow));
        break;
      case 'unknown':
        break;
      case 'session':
        await this.#take(answer.session, answer.why, target);
    }
  }

  async #take(session: ArcSession, why: readonly string[], asked: LoadedArcConfig): Promise<void> {
    // Read the file again, so that changes made by other processes during the request are not lost.
    const target = await this.#reread();
    if (isOtherKey(target, asked)) {
      await this.#takeOver(target);
      return;
    }
    const { original, path } = target;
    const keep = this.#ports.keep ?? keepSession;
    const { config, keptIn, notice } = await keep({ original, path }, session, this.#ports);
    if (keptIn === undefined) this.#running.holdUnkept(original, session);
    if (keptIn === undefined && notice !== undefined) this.#warnOnce(notice);
    else if (notice !== undefined) this.#log.info({}, notice);
    const isInFile = notice === undefined;
    const next = { ...target, config, original: isInFile ? config : original };
    const changed = await this.#running.apply(next);
    this.#log.info({ why, changed, keptIn }, 'the Arc session was renewed');
    // The server treats this session as new even if its fields have not changed.
    this.#moments.changed(this.#clock.now());
    this.#ports.onRenewed?.({ why, changed, keptIn });
  }

  #tellFailure(error: unknown, suspicion: Suspicion): void {
    if (!(error instanceof UserError)) {
      const text = `cannot apply the new session to the tunnel: ${messageOf(error)}`;
      this.#log.error({}, text);
      this.#ports.onProblem?.(text);
      return;
    }
    const text = [`${error.what}: ${error.why.replace(/\.$/, '')}.`, ...error.next].join(' ');
    const passes = error instanceof ApiError && !isRefusal(error);
    if (passes || suspicion !== 'silent') {
      this.#log.debug({ reason: text }, 'cannot get the session from SORACOM');
    } else if (error instanceof ApiError) {
      this.#warnOnce(`${SILENT}: ${text}`);
    } else {
      this.#warnOnce(`${SILENT}: ${text} ${BOOTSTRAP_AGAIN}`);
    }
  }

  #warnOnce(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#log.warn({}, text);
    this.#ports.onProblem?.(text);
  }
}

const SILENT = 'the Arc server is not answering, and checking the session with SORACOM failed';

/** Advice for a SIM that was bootstrapped without API credentials. */
const BOOTSTRAP_AGAIN = 'Or run bootstrap again: arctun will then apply the new arc.json.';

/** Builds the warning if SORACOM and arc.json agree, because a new session would not help. */
function agreement({ config, source }: LoadedArcConfig, isClockSlow: boolean): string {
  const { host = '', port = 0 } = config.arcSessionStatus?.arcServerEndpoint ?? {};
  return `the Arc server is not answering, but the session in ${source} is the one that SORACOM reports. UDP to ${host}:${port} may be blocked${isClockSlow ? SLOW_CLOCK : ''}`;
}

const SLOW_CLOCK =
  ", or this machine's clock is the cause: it is slower than SORACOM's clock, and the Arc server ignores handshakes with old timestamps. Set the clock";

/** A larger difference in milliseconds is not only caused by a slow network. */
const SLOW = 60_000;

function isSlow(clock: WallClock, serverTime: number | undefined): boolean {
  return serverTime !== undefined && serverTime - clock.unixMilliseconds() > SLOW;
}

/** True for a definite refusal, which only the user can resolve. */
function isRefusal({ failure, status = 0 }: ApiError): boolean {
  return failure === 'refused' && status >= 400 && status < 500 && status !== 429;
}

function isOtherKey({ config: one }: LoadedArcConfig, { config: other }: LoadedArcConfig): boolean {
  return (
    one.simId !== other.simId || !sameBytes(one.privateKey.expose(), other.privateKey.expose())
  );
}
