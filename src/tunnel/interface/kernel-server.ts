/**
 * The Arc server as a peer of the kernel's WireGuard. The kernel performs handshakes and follows a
 * server that moves, but does not resolve names or try other addresses.
 */
import type { Clock, Timer } from '../../ports/clock.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { KernelPeer, KernelPeerChange } from '../../ports/kernel-wireguard.js';
import { isNetworkFault } from '../server/endpoint-search.js';
import { endpointText } from '../server/endpoint-text.js';
import { ServerAddresses, type ServerAddressesPorts } from '../server/server-addresses.js';
import { silenceReason } from '../server/server-silence.js';
import { silenceError } from '../server/silence-text.js';
import { SILENCE } from '../server/silence-watch.js';
import { ATTEMPT_TIME, KernelCounters } from './kernel-counters.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { SilenceError } from '../tunnel-error.js';
import type { TunnelHealth } from '../tunnel-status.js';

/** REKEY_ATTEMPT_TIME, after which the kernel gives up. */
const GIVE_UP_TIME = 90_000;

/** The interval in milliseconds between queries to a resolver that has never answered. */
const RETRY_INTERVAL = 2_000;

export interface KernelServerPorts extends ServerAddressesPorts {
  readonly clock: Clock;
  /** Changes the peer in the kernel, unless another program has removed it. */
  readonly change: (change: Omit<KernelPeerChange, 'publicKey'>) => void;
  /** Why the kernel cannot send to an IP address; undefined if a route leads to it. */
  readonly routeError: (address: string) => Error | undefined;
  /** Called if the kernel rejects a change that no caller waits for. */
  readonly onRefused: (cause: Error) => void;
}

export class KernelServer {
  readonly #ports: KernelServerPorts;
  readonly #addresses: ServerAddresses;
  readonly #counters: KernelCounters;
  #config: TunnelConfig;
  #endpoint: Endpoint | undefined;
  /** When the current endpoint was set, and the bytes that had been sent by then. */
  #chosenAt = -Infinity;
  #sentWhenChosen = 0;
  /** Why no route leads to the current endpoint, and since when. */
  #routeError: Error | undefined;
  #unroutedSince = Infinity;
  #hasWarned = false;
  #resolvedAt = -Infinity;
  /** Whether anything was sent since the last query to the resolver. */
  #isActive = true;
  readonly #triedEndpoints = new Set<string>();
  #hasGivenUp = false;
  /** Whether the first handshake has been started. */
  #isStarted = false;
  #timer: Timer | undefined;
  #isClosed = false;

  /** @param peer the counters at the start; undefined for a new peer */
  constructor(config: TunnelConfig, ports: KernelServerPorts, peer: KernelPeer | undefined) {
    this.#config = config;
    this.#ports = ports;
    this.#counters = new KernelCounters(peer);
    this.#addresses = new ServerAddresses(config.endpoint, ports);
  }

  /** Resolves the server's name, then starts a handshake. */
  start(): void {
    this.#resolve();
  }

  /** Replaces the keepalive interval and the allowed IPs; the session stays. */
  reconfigure(config: TunnelConfig): void {
    const { allowedIps } = config;
    const isSame = config.persistentKeepalive === this.#config.persistentKeepalive;
    // The kernel's timer keeps a longer interval until it is disabled.
    if (!isSame) this.#ports.change({ persistentKeepalive: 0 });
    this.#ports.change({ allowedIps, persistentKeepalive: seconds(config) });
    this.#config = config;
  }

  /** Whether a session exists that the kernel may use. */
  get hasSession(): boolean {
    return this.#counters.hasSession(this.#now());
  }

  /** Whether a handshake is running, or will start when the name is resolved. */
  get isAwaited(): boolean {
    if (this.hasSession || this.#hasGivenUp) return false;
    return !this.#counters.hasHandshake || this.#counters.isUnanswered;
  }

  /** For how many milliseconds a handshake has been unanswered; undefined if none is running. */
  get unansweredFor(): number | undefined {
    return this.#counters.unansweredFor(this.#now());
  }

  get health(): TunnelHealth {
    if (this.#hasGivenUp) return 'stale';
    if (!this.#counters.hasHandshake) return 'connecting';
    return this.#isSilent() || this.#isRefused() ? 'stale' : 'up';
  }

  /**
   * Compares the peer's counters with the last ones, and tries another address if necessary.
   *
   * @returns whether a handshake has been completed
   */
  observe(peer: KernelPeer): boolean {
    const now = this.#now();
    const { isComplete, isHeard, isSent } = this.#counters.observe(peer, now);
    if (isSent) this.#isActive = true;
    this.#endpoint = peer.endpoint ?? this.#endpoint;
    if (isHeard) this.#heard();
    this.#observeRoute();
    if (!isHeard) this.#search(now);
    return isComplete;
  }

  /** Returns the error for a caller that has waited without a reply from the server. */
  explain(): SilenceError {
    const { wallClock } = this.#ports;
    const { failure } = this.#addresses;
    const { hasSession } = this;
    const isRefused = this.#routeError !== undefined || this.#isRefused();
    const reason = silenceReason({
      cannotSend: isRefused || isNetworkFault(failure),
      hasAddress: this.#addresses.count > 0,
      lookupFailed: failure !== undefined,
      device: this.#silence(),
      isHandshaking: !hasSession,
      hasSession,
    });
    return silenceError(reason, {
      configName: this.#config.configName,
      ...this.#config.endpoint,
      triedEndpoints: [...this.#triedEndpoints],
      initiations: this.#counters.initiations(this.#now()),
      error: isRefused ? this.#whyRefused() : failure,
      unixMilliseconds: wallClock.unixMilliseconds(),
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#addresses.close();
  }

  #heard(): void {
    this.#hasGivenUp = false;
    this.#hasWarned = false;
    this.#triedEndpoints.clear();
    if (this.#endpoint !== undefined) this.#triedEndpoints.add(endpointText(this.#endpoint));
  }

  #now(): number {
    return this.#ports.clock.now();
  }

  #isSilent(): boolean {
    const now = this.#now();
    return this.#counters.isSilent(now) || this.#counters.isDataMissing(now);
  }

  /** Returns what the counters say about a silence; undefined if there is none. */
  #silence(): 'no-answer' | 'no-data-back' | undefined {
    if (!this.#isSilent()) return undefined;
    const isMissed = !this.hasSession || (this.unansweredFor ?? 0) >= ATTEMPT_TIME;
    return isMissed ? 'no-answer' : 'no-data-back';
  }

  /** Whether the kernel cannot send, or has sent nothing although a message is due. */
  #isRefused(): boolean {
    const now = this.#now();
    if (now - this.#unroutedSince >= ATTEMPT_TIME) return true;
    if (this.#counters.isKeepaliveOverdue(now)) return true;
    if (this.hasSession || this.#chosenAt === -Infinity) return false;
    const isDue = now - this.#chosenAt >= ATTEMPT_TIME;
    return isDue && this.#counters.sentBytes === this.#sentWhenChosen;
  }

  /** The kernel does not report packets that it could not send, so look up the route. */
  #observeRoute(): void {
    const hadNone = this.#routeError !== undefined;
    this.#lookUpRoute();
    // The kernel may have given up meanwhile.
    if (hadNone && this.#routeError === undefined && !this.hasSession) this.#initiate();
    if (this.#hasWarned || !this.#isRefused()) return;
    this.#hasWarned = true;
    this.#ports.log.warn({ reason: this.#whyRefused().message }, 'cannot send to the Arc server');
  }

  #lookUpRoute(): void {
    this.#routeError = this.#endpoint && this.#ports.routeError(this.#endpoint.address);
    if (this.#routeError === undefined) this.#unroutedSince = Infinity;
    else this.#unroutedSince = Math.min(this.#unroutedSince, this.#now());
  }

  #whyRefused(): Error {
    return this.#routeError ?? new Error('the kernel is not sending the handshake');
  }

  /** Chooses another address for an unanswered handshake, and resolves the name after a silence. */
  #search(now: number): void {
    const isRefused = this.#isRefused();
    const hasNoRoute = this.#routeError !== undefined;
    if (!this.#counters.isUnanswered && !isRefused && !hasNoRoute) return;
    this.#warnAfterGivingUp();
    const isDue = this.#isSilent() || isRefused;
    const isAttemptOver = now - this.#chosenAt >= ATTEMPT_TIME && (!this.hasSession || isDue);
    if ((isAttemptOver || hasNoRoute) && this.#addresses.count > 1) {
      const isMoved = this.#choose(this.#next(this.#endpoint));
      if (isMoved && (isRefused || hasNoRoute)) this.#initiate();
    }
    const isActive = this.#isActive || isRefused;
    if (isDue && isActive && now - this.#resolvedAt >= SILENCE) this.#resolve();
  }

  /** Returns the address to try after `endpoint`; undefined if no route leads to any. */
  #next(endpoint: Endpoint | undefined): Endpoint | undefined {
    let next = endpoint;
    for (let count = this.#addresses.count; count > 0; count--) {
      next = this.#addresses.after(next);
      if (next && this.#ports.routeError(next.address) === undefined) return next;
    }
    return undefined;
  }

  #warnAfterGivingUp(): void {
    if (this.hasSession || (this.unansweredFor ?? 0) < GIVE_UP_TIME || this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    const { reason, why } = this.explain();
    const next = 'the next packet or keepalive starts another attempt';
    this.#ports.log.warn({ reason }, `no response to the handshake within 90 s: ${why}; ${next}`);
  }

  #resolve(): void {
    this.#resolvedAt = this.#now();
    this.#isActive = false;
    const resolved = this.#addresses.resolve().then(() => {
      if (this.#isClosed) return;
      if (this.#addresses.count === 0) {
        this.#timer = this.#ports.clock.startTimer(RETRY_INTERVAL, () => this.#resolve());
        return;
      }
      const known = this.#endpoint;
      const isCurrent = known !== undefined && this.#addresses.includes(known);
      // The server may have answered meanwhile, from an address that the name does not have.
      const isNeeded = !isCurrent && (this.#isSilent() || this.#isRefused());
      if (this.#isStarted && !isNeeded) return;
      const next = this.#next(undefined) ?? this.#addresses.after(undefined);
      this.#choose(isCurrent ? known : next);
      this.#isStarted = true;
      this.#initiate();
    });
    // Another program may have removed the interface.
    resolved.catch((error: unknown) => this.#ports.onRefused(error as Error));
  }

  /** @returns whether there is an address */
  #choose(endpoint: Endpoint | undefined): boolean {
    if (endpoint === undefined) return false;
    this.#endpoint = endpoint;
    this.#chosenAt = this.#now();
    this.#sentWhenChosen = this.#counters.sentBytes;
    this.#triedEndpoints.add(endpointText(endpoint));
    this.#ports.change({ endpoint });
    this.#ports.log.debug({ endpoint: endpointText(endpoint) }, 'endpoint set');
    this.#lookUpRoute();
    return true;
  }

  /** Makes the kernel send a keepalive, which starts a handshake if no session exists. */
  #initiate(): void {
    const interval = seconds(this.#config);
    this.#ports.change({ persistentKeepalive: 0 });
    this.#ports.change({ persistentKeepalive: Math.max(1, interval) });
    if (interval === 0) this.#ports.change({ persistentKeepalive: 0 });
  }
}

function seconds({ persistentKeepalive }: TunnelConfig): number {
  return Math.round(persistentKeepalive / 1000);
}
