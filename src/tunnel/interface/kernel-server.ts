/**
 * The Arc server as a peer of the kernel's WireGuard. The kernel performs handshakes and follows a
 * server that moves, but does not resolve names or try other addresses. It reports only counters,
 * so a missing reply is inferred from them.
 */
import type { Clock, Timer } from '../../ports/clock.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { KernelPeer, KernelPeerChange } from '../../ports/kernel-wireguard.js';
import { isNetworkFault } from '../server/endpoint-search.js';
import { endpointText } from '../server/endpoint-text.js';
import { ServerAddresses, type ServerAddressesPorts } from '../server/server-addresses.js';
import { silenceReason } from '../server/silence-reason.js';
import { silenceError } from '../server/silence-text.js';
import { SILENCE } from '../server/silence-watch.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { SilenceError } from '../tunnel-error.js';
import type { TunnelHealth } from '../tunnel-status.js';

/**
 * The sizes in bytes of an initiation and of a keepalive (whitepaper 5.4). A keepalive does not
 * need a reply.
 */
const INITIATION_LENGTH = 148;
const KEEPALIVE_LENGTH = 32;

/** REJECT_AFTER_TIME of whitepaper 6.1 in milliseconds: how long a session lasts. */
const SESSION_TIME = 180_000;

/** REKEY_TIMEOUT and its jitter, after which the kernel sends the next initiation. */
const ATTEMPT_TIME = 5_500;

/** REKEY_ATTEMPT_TIME, after which the kernel gives up. */
const GIVE_UP_TIME = 90_000;

/** The interval in milliseconds between queries to a resolver that has never answered. */
const RETRY_INTERVAL = 2_000;

export interface KernelServerPorts extends ServerAddressesPorts {
  readonly clock: Clock;
  /** Changes the peer in the kernel, unless another program has removed it. */
  readonly change: (change: Omit<KernelPeerChange, 'publicKey'>) => void;
  /** Called if the kernel rejects a change that no caller waits for. */
  readonly onRefused: (cause: Error) => void;
}

export class KernelServer {
  readonly #ports: KernelServerPorts;
  readonly #addresses: ServerAddresses;
  #config: TunnelConfig;
  #endpoint: Endpoint | undefined;
  /** When the current endpoint was set, and the bytes that had been sent by then. */
  #chosenAt = -Infinity;
  #sentWhenChosen = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #handshakeUnix: number | undefined;
  #handshakeAt = -Infinity;
  /**
   * The time of the first message that still needs a reply, and the total size of all messages
   * since then.
   */
  #unansweredSince: number | undefined;
  #unansweredBytes = 0;
  /** When the counters last changed, and the keepalive interval that the kernel uses. */
  #movedAt = -Infinity;
  #keepalive: number | undefined;
  #resolvedAt = -Infinity;
  /** Whether anything was sent since the last query to the resolver. */
  #isActive = true;
  readonly #triedEndpoints = new Set<string>();
  #hasGivenUp = false;
  /** Whether the first handshake has been started. */
  #isStarted = false;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(config: TunnelConfig, ports: KernelServerPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#addresses = new ServerAddresses(config.endpoint, ports);
  }

  /**
   * Resolves the server's name, then starts a handshake.
   *
   * @param peer the counters at the start; undefined for a new peer
   */
  start(peer: KernelPeer | undefined): void {
    this.#sentBytes = peer?.sentBytes ?? 0;
    this.#receivedBytes = peer?.receivedBytes ?? 0;
    this.#handshakeUnix = peer?.latestHandshakeUnix;
    this.#resolve();
  }

  /** Replaces the keepalive interval and the allowed IPs; the session stays. */
  reconfigure(config: TunnelConfig): void {
    const { allowedIps } = config;
    const isSame = config.persistentKeepalive === this.#config.persistentKeepalive;
    this.#config = config;
    // The kernel's timer keeps a longer interval until it is disabled.
    if (!isSame) this.#ports.change({ persistentKeepalive: 0 });
    this.#ports.change({ allowedIps, persistentKeepalive: seconds(config) });
  }

  /** Whether a session exists that the kernel may use. */
  get hasSession(): boolean {
    return this.#ports.clock.now() - this.#handshakeAt < SESSION_TIME;
  }

  /** Whether a handshake is running, or will start when the name is resolved. */
  get isAwaited(): boolean {
    if (this.hasSession || this.#hasGivenUp) return false;
    return this.#handshakeAt === -Infinity || this.#unansweredSince !== undefined;
  }

  /** For how many milliseconds a handshake has been unanswered; undefined if none is running. */
  get unansweredFor(): number | undefined {
    if (this.hasSession || this.#unansweredSince === undefined) return undefined;
    return this.#ports.clock.now() - this.#unansweredSince;
  }

  get health(): TunnelHealth {
    if (this.#hasGivenUp) return 'stale';
    if (this.#handshakeAt === -Infinity) return 'connecting';
    return this.#isSilent() || this.#isRefused() ? 'stale' : 'up';
  }

  /**
   * Compares the peer's counters with the last ones, and tries another address if necessary.
   *
   * @returns whether a handshake has been completed
   */
  observe(peer: KernelPeer): boolean {
    const now = this.#ports.clock.now();
    const { latestHandshakeUnix } = peer;
    // The counters restart if `wg` removes the peer and adds it again.
    const isComplete =
      latestHandshakeUnix !== undefined && latestHandshakeUnix !== this.#handshakeUnix;
    const isHeard = isComplete || peer.receivedBytes > this.#receivedBytes;
    const sent = peer.sentBytes - this.#sentBytes;
    if (sent > 0) this.#isActive = true;
    if (sent !== 0 || isHeard || peer.persistentKeepalive !== this.#keepalive) this.#movedAt = now;
    this.#keepalive = peer.persistentKeepalive;
    this.#sentBytes = peer.sentBytes;
    this.#receivedBytes = peer.receivedBytes;
    this.#handshakeUnix = peer.latestHandshakeUnix;
    this.#endpoint = peer.endpoint ?? this.#endpoint;
    if (isComplete) this.#handshakeAt = now;
    if (isHeard) this.#heard();
    else if (sent > KEEPALIVE_LENGTH) {
      this.#unansweredSince ??= now;
      this.#unansweredBytes += sent;
    }
    if (!isHeard) this.#search(now);
    return isComplete;
  }

  /** Returns the error for a caller that has waited without a reply from the server. */
  explain(): SilenceError {
    const { wallClock } = this.#ports;
    const { failure } = this.#addresses;
    const isRefused = this.#isRefused();
    const isSilent = this.#isSilent();
    const reason = silenceReason({
      cannotSend: isRefused || isNetworkFault(failure),
      hasAddress: this.#addresses.count > 0,
      lookupFailed: failure !== undefined,
      device: !isSilent ? undefined : this.hasSession ? 'no-data-back' : 'no-answer',
      isHandshaking: !this.hasSession,
      hasSession: this.hasSession,
    });
    return silenceError(reason, {
      configName: this.#config.configName,
      ...this.#config.endpoint,
      triedEndpoints: [...this.#triedEndpoints],
      initiations: Math.max(1, Math.round(this.#unansweredBytes / INITIATION_LENGTH)),
      error: isRefused ? new Error('the kernel is not sending the handshake') : failure,
      unixMilliseconds: wallClock.unixMilliseconds(),
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#addresses.close();
  }

  #heard(): void {
    this.#unansweredSince = undefined;
    this.#unansweredBytes = 0;
    this.#hasGivenUp = false;
    this.#triedEndpoints.clear();
    if (this.#endpoint !== undefined) this.#triedEndpoints.add(endpointText(this.#endpoint));
  }

  #isSilent(): boolean {
    if (this.#unansweredSince === undefined) return false;
    return this.#ports.clock.now() - this.#unansweredSince >= SILENCE;
  }

  /** Whether the kernel has sent nothing, although a handshake or a keepalive is due. */
  #isRefused(): boolean {
    if (this.#isKeepaliveOverdue()) return true;
    if (this.hasSession || this.#chosenAt === -Infinity) return false;
    const isDue = this.#ports.clock.now() - this.#chosenAt >= ATTEMPT_TIME;
    return isDue && this.#sentBytes === this.#sentWhenChosen;
  }

  /** The kernel counts only messages that it could send. Its timers are up to 12.5 % late. */
  #isKeepaliveOverdue(): boolean {
    const quiet = this.#ports.clock.now() - this.#movedAt;
    const interval = (this.#keepalive ?? 0) * 1000;
    return interval > 0 && quiet >= interval * 1.25 + ATTEMPT_TIME;
  }

  /** Chooses another address for an unanswered handshake, and resolves the name after a silence. */
  #search(now: number): void {
    const isUnanswered = this.#unansweredSince !== undefined || this.#isRefused();
    if (!isUnanswered) return;
    this.#warnAfterGivingUp(now);
    const isAttemptOver = now - this.#chosenAt >= ATTEMPT_TIME;
    const isRefused = this.#isRefused();
    const isDue = this.#isSilent() || isRefused;
    if ((!this.hasSession || isDue) && isAttemptOver && this.#addresses.count > 1) {
      this.#choose(this.#addresses.after(this.#endpoint));
      if (isRefused) this.#initiate();
    }
    const isActive = this.#isActive || isRefused;
    if (isDue && isActive && now - this.#resolvedAt >= SILENCE) this.#resolve();
  }

  #warnAfterGivingUp(now: number): void {
    const since = this.#unansweredSince;
    if (this.hasSession || since === undefined || now - since < GIVE_UP_TIME) return;
    if (this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    const { reason, why } = this.explain();
    const next = 'the next packet or keepalive starts another attempt';
    this.#ports.log.warn({ reason }, `no response to the handshake within 90 s: ${why}; ${next}`);
  }

  #resolve(): void {
    this.#resolvedAt = this.#ports.clock.now();
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
      this.#choose(isCurrent ? known : this.#addresses.after(undefined));
      this.#isStarted = true;
      this.#initiate();
    });
    // Another program may have removed the interface.
    resolved.catch((error: unknown) => this.#ports.onRefused(error as Error));
  }

  #choose(endpoint: Endpoint | undefined): void {
    if (endpoint === undefined) return;
    this.#endpoint = endpoint;
    this.#chosenAt = this.#ports.clock.now();
    this.#sentWhenChosen = this.#sentBytes;
    this.#triedEndpoints.add(endpointText(endpoint));
    this.#ports.change({ endpoint });
    this.#ports.log.debug({ endpoint: endpointText(endpoint) }, 'endpoint set');
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
