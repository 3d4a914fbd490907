/**
 * Selects the endpoint for the next handshake initiation, for an Arc server whose addresses may
 * change.
 *
 * After an unanswered initiation, the next one is sent to the next address (in RFC 8305 order).
 * Racing the addresses as in RFC 8305 5 is not possible: WireGuard allows one initiation per 5 s to
 * a peer (whitepaper 6.1), and a newer initiation voids the older one. An address that the system
 * rejects does not cause a delay, because this limit ignores unsent initiations.
 *
 * While a session carries data, its endpoint is determined by the peer's messages (2.1), not by
 * DNS.
 */
import type { Device, Peer } from '../../engine/engine.js';
import { codeOf, isDenied } from '../../lib/errors/error-message.js';
import { merged } from '../../lib/merged.js';
import { endpointText } from './endpoint-text.js';
import type { Timer } from '../../ports/clock.js';
import type { Datagram, Endpoint } from '../../ports/datagram.js';
import type { ServerAddresses } from './server-addresses.js';
import { SilenceWatch } from './silence-watch.js';
import type { TunnelPorts } from '../tunnel-ports.js';

/** The interval in milliseconds between queries to a resolver that has never answered. */
const RETRY_INTERVAL = 2_000;

/** The maximum ms that an initiation waits for the resolver if older addresses are known. */
const LONGEST_HOLD = 2_000;

/** The error codes if the system cannot reach an address or has lost its own. */
const UNREACHABLE = new Set([
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EBADF',
  'EHOSTUNREACH',
  'EINVAL',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENODEV',
  'ENOTCONN',
  'EPIPE',
]);

/** If no send error occurs for this many milliseconds, the newest initiation counts as sent. */
const REFUSAL_TIME = 1_000;

/** Whether an error means that this machine cannot reach the network. */
export function isNetworkFault(error: Error | undefined): boolean {
  return UNREACHABLE.has(codeOf(error) ?? '');
}

export interface EndpointSearchPorts extends Pick<TunnelPorts, 'clock' | 'log'> {
  readonly addresses: ServerAddresses;
  readonly socket: { remake(): void; proved(): void };
}

export interface SearchedPeer {
  readonly device: Device;
  readonly peer: Peer;
  /** Called after each call on the device. */
  readonly schedule: () => void;
}

export class EndpointSearch {
  readonly #ports: EndpointSearchPorts;
  #searched: (SearchedPeer & { readonly silence: SilenceWatch }) | undefined;
  /** Whether an initiation was sent to the peer's endpoint since the last authentic message. */
  #isTried = false;
  #chosenAt = -Infinity;
  #hasRoamed = false;
  #isHeld = false;
  #holdTimer: Timer | undefined;
  /** Whether the resolver was just queried, even if the query failed. */
  #isExcused = false;
  /**
   * The number of consecutive addresses that the system rejected, and whether it rejected the last
   * one.
   */
  #refusals = 0;
  #isRefused = false;
  #initiations = 0;
  readonly #triedEndpoints = new Set<string>();
  #sendError: Error | undefined;
  #sendFailedAt = -Infinity;
  #warnedOf: string | undefined;
  #isClosed = false;

  constructor(ports: EndpointSearchPorts) {
    this.#ports = ports;
  }

  /** Sets the peer whose endpoint to search for; call before any other method. */
  attach(searched: SearchedPeer): void {
    const silence = new SilenceWatch(this.#ports.clock, searched.peer, () => this.#resolveAgain());
    this.#searched = merged(searched, { silence });
  }

  /** The number of initiations since the last authentic message. */
  get initiations(): number {
    return this.#initiations;
  }

  /** The endpoints of the initiations since the last authentic message, as strings. */
  get triedEndpoints(): readonly string[] {
    return [...this.#triedEndpoints];
  }

  /**
   * Why the last message was not sent; undefined if it was sent, or if the peer has sent a message
   * since.
   */
  get sendError(): Error | undefined {
    // The system may report that it rejected an initiation shortly after accepting it.
    const hasLeft = this.#chosenAt > this.#sendFailedAt;
    if (hasLeft && this.#ports.clock.now() - this.#chosenAt >= REFUSAL_TIME) return undefined;
    return this.#sendError;
  }

  /** Whether nothing can be sent until this machine's network or firewall rules change. */
  get cannotSend(): boolean {
    const { sendError } = this;
    return isNetworkFault(sendError) || isDenied(sendError);
  }

  /** Implements PeerOptions.chooseEndpoint. */
  choose(now: number): Endpoint | undefined {
    const { peer, silence } = this.#search();
    silence.attempted();
    // An address that was just rejected is not used for an existing session either.
    const isHealthy = !this.#isRefused && peer.hasSession(now) && !silence.isSilent(now);
    if (isHealthy && peer.endpoint !== undefined) return this.#chosen(peer.endpoint, now);
    // Try all addresses of one answer before querying the resolver again.
    if (!this.#ports.addresses.isFresh() && !this.#isExcused && !this.#isRefused) {
      this.#hold();
      return undefined;
    }
    const next = this.#next(peer);
    return next && this.#chosen(next, now);
  }

  /** Checks for messages from the peer. Call this after each turn of the driver. */
  afterTurn(now: number): void {
    if (this.#search().silence.look(now)) this.#heard();
  }

  /** Handles a message from the peer that came from a different endpoint. */
  roamed(endpoint: Endpoint): void {
    this.#hasRoamed = !this.#ports.addresses.includes(endpoint);
  }

  /** Handles a datagram that the system rejected, or a socket failure. */
  sendFailed(error: Error, unsent: Datagram | undefined): void {
    if (this.#isClosed) return;
    const isUnreachable = isNetworkFault(error);
    if (isUnreachable && unsent !== undefined && this.#tryNext(unsent)) {
      const endpoint = endpointText(unsent.endpoint);
      this.#ports.log.debug({ endpoint, reason: error.message }, 'trying the next address');
      return;
    }
    this.#sendError = error;
    this.#sendFailedAt = this.#ports.clock.now();
    this.#warn(error);
    if (isUnreachable) this.#ports.socket.remake();
  }

  close(): void {
    this.#isClosed = true;
    this.#holdTimer?.cancel();
    this.#searched?.silence.close();
    this.#ports.addresses.close();
  }

  /**
   * Logs each kind of failure only once for all addresses, until the peer sends a message again.
   */
  #warn(error: Error): void {
    const { message: reason } = error;
    const kind = codeOf(error) ?? reason;
    if (kind !== this.#warnedOf) this.#ports.log.warn({ reason }, 'cannot send to the Arc server');
    this.#warnedOf = kind;
  }

  #search(): SearchedPeer & { readonly silence: SilenceWatch } {
    if (this.#searched === undefined) throw new TypeError('call attach() first');
    return this.#searched;
  }

  #next(peer: Peer): Endpoint | undefined {
    const known = peer.endpoint;
    // A cookie is not a handshake response, but only the peer can send one. So send the next
    // initiation, with its mac2, to the same endpoint.
    const isAlive = !this.#isRefused && (peer.cookieReceivedAt ?? -Infinity) >= this.#chosenAt;
    if (known !== undefined && (!this.#isTried || isAlive)) {
      if (this.#hasRoamed || this.#ports.addresses.includes(known)) return known;
    }
    this.#hasRoamed = false;
    return this.#ports.addresses.after(known);
  }

  #chosen(endpoint: Endpoint, now: number): Endpoint {
    if (!this.#isRefused) this.#refusals = 0;
    this.#isTried = true;
    this.#chosenAt = now;
    this.#initiations++;
    this.#triedEndpoints.add(endpointText(endpoint));
    this.#ports.log.debug({ endpoint: endpointText(endpoint) }, 'handshake initiation');
    return endpoint;
  }

  #heard(): void {
    this.#isTried = false;
    this.#initiations = 0;
    // This runs after almost every turn, and clear() creates a new table.
    if (this.#triedEndpoints.size > 0) this.#triedEndpoints.clear();
    this.#sendError = undefined;
    this.#warnedOf = undefined;
    this.#ports.socket.proved();
  }

  /** Returns true if the datagram was an initiation and another one was started. */
  #tryNext(unsent: Datagram): boolean {
    // If the system rejects every address, the addresses are not the cause, so try again after 5 s.
    if (this.#refusals + 1 >= this.#ports.addresses.count) return false;
    const { device, schedule } = this.#search();
    this.#isRefused = true;
    const isTried = device.initiationNotSent(unsent.bytes, this.#ports.clock.now());
    this.#isRefused = false;
    if (!isTried) return false;
    this.#refusals++;
    this.#initiations--;
    this.#triedEndpoints.delete(endpointText(unsent.endpoint));
    schedule();
    return true;
  }

  /** Delays an initiation until the resolver answers, because the known addresses have expired. */
  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    if (this.#ports.addresses.count > 0) this.#startHoldTimer(LONGEST_HOLD, () => this.#release());
    this.#ask();
  }

  #ask(): void {
    void this.#ports.addresses.resolve().then(() => {
      if (!this.#isHeld || this.#isClosed) return;
      if (this.#ports.addresses.count > 0) this.#release();
      else this.#startHoldTimer(RETRY_INTERVAL, () => this.#ask());
    });
  }

  #startHoldTimer(delay: number, handler: () => void): void {
    this.#holdTimer?.cancel();
    this.#holdTimer = this.#ports.clock.startTimer(delay, handler);
  }

  #release(): void {
    this.#isHeld = false;
    this.#holdTimer?.cancel();
    const { device, peer, schedule } = this.#search();
    this.#isExcused = true;
    device.retryHandshake(peer, this.#ports.clock.now());
    this.#isExcused = false;
    schedule();
  }

  /** Resolves the name again after a silence, because the peer's address may have changed. */
  #resolveAgain(): void {
    void this.#ports.addresses.resolve().then(() => {
      const { peer, silence } = this.#search();
      if (this.#isClosed || !silence.isSilent(this.#ports.clock.now())) return;
      if (peer.endpoint === undefined || this.#ports.addresses.includes(peer.endpoint)) return;
      const endpoint = this.#ports.addresses.after(undefined);
      if (endpoint === undefined) return;
      this.#hasRoamed = false;
      this.#isTried = false;
      peer.setEndpoint(endpoint);
      this.#ports.log.info(
        { endpoint: endpointText(endpoint) },
        'the Arc server has moved to another address',
      );
    });
  }
}
