/**
 * Where the next handshake initiation goes, for an Arc server with several addresses that may move.
 *
 * Each initiation that was not answered is followed by one to the next address (RFC 8305 order).
 * Racing them as RFC 8305 5 does is not possible: WireGuard allows one initiation per 5 s to a peer
 * (whitepaper 6.1), and a newer one voids the older. An address that the system refuses at once costs
 * no time, for what never left does not count.
 *
 * A session that carries data is left alone: the peer itself says where it is (2.1), not DNS.
 */
import type { Device, Peer } from '../../engine/engine.js';
import { codeOf, isDenied } from '../../lib/errors/error-message.js';
import { endpointText } from './endpoint-text.js';
import type { Clock, Timer } from '../../ports/clock.js';
import type { Datagram, Endpoint } from '../../ports/datagram.js';
import type { Log } from '../../ports/log.js';
import type { ServerAddresses } from './server-addresses.js';
import { SilenceWatch } from './silence-watch.js';

/** Between two questions to a resolver that has never had an answer. */
const RETRY_INTERVAL = 2_000;

/** An initiation waits for the resolver no longer, where older addresses are known. */
const LONGEST_HOLD = 2_000;

/** The errors of a system that cannot reach an address, or that has lost its own. */
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

/** Without a refusal for this long, in ms, the newest initiation has left. */
const REFUSAL_TIME = 1_000;

/** Whether an error says that this machine cannot reach the network. */
export function isNetworkFault(error: Error | undefined): boolean {
  return UNREACHABLE.has(codeOf(error) ?? '');
}

export interface EndpointSearchPorts {
  readonly addresses: ServerAddresses;
  readonly clock: Clock;
  readonly log: Log;
  readonly socket: { remake(): void; proved(): void };
}

export interface SearchedPeer {
  readonly device: Device;
  readonly peer: Peer;
  /** To be called after a call on the device. */
  readonly schedule: () => void;
}

export class EndpointSearch {
  readonly #addresses: ServerAddresses;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #socket: EndpointSearchPorts['socket'];
  #searched: (SearchedPeer & { readonly silence: SilenceWatch }) | undefined;
  /** An initiation has gone to the peer's endpoint since anything authentic came. */
  #isTried = false;
  #chosenAt = -Infinity;
  /** The peer was heard at an address of its own choice, which DNS does not know. */
  #hasRoamed = false;
  #isHeld = false;
  #holdTimer: Timer | undefined;
  /** The resolver has just been asked, whatever it said. */
  #isExcused = false;
  /** Addresses that the system refused in a row, and whether one was just now. */
  #refusals = 0;
  #isRefused = false;
  #initiations = 0;
  readonly #triedEndpoints = new Set<string>();
  #sendError: Error | undefined;
  #sendFailedAt = -Infinity;
  #warnedOf: string | undefined;
  #isClosed = false;

  constructor({ addresses, clock, log, socket }: EndpointSearchPorts) {
    this.#addresses = addresses;
    this.#clock = clock;
    this.#log = log;
    this.#socket = socket;
  }

  /** Tells whose endpoint is searched for, before anything else is asked. */
  attach(searched: SearchedPeer): void {
    const silence = new SilenceWatch(this.#clock, searched.peer, () => this.#resolveAgain());
    this.#searched = { ...searched, silence };
  }

  /** Initiations since anything authentic came. */
  get initiations(): number {
    return this.#initiations;
  }

  /** Where they went, as text. */
  get triedEndpoints(): readonly string[] {
    return [...this.#triedEndpoints];
  }

  /** Why the last message was not sent; undefined where it was, or where the peer was heard since. */
  get sendError(): Error | undefined {
    // The system may refuse an initiation a moment after it has taken it.
    const hasLeft = this.#chosenAt > this.#sendFailedAt;
    if (hasLeft && this.#clock.now() - this.#chosenAt >= REFUSAL_TIME) return undefined;
    return this.#sendError;
  }

  /** Whether nothing leaves until this machine's network or its rules change. */
  get cannotSend(): boolean {
    const { sendError } = this;
    return isNetworkFault(sendError) || isDenied(sendError);
  }

  /** PeerOptions.chooseEndpoint. */
  choose(now: number): Endpoint | undefined {
    const { peer, silence } = this.#search();
    silence.attempted();
    // An address that was refused just now is no place for a session either.
    const isHealthy = !this.#isRefused && peer.hasSession(now) && !silence.isSilent(now);
    if (isHealthy && peer.endpoint !== undefined) return this.#chosen(peer.endpoint, now);
    // Between the addresses of one answer there is no time for the next.
    if (!this.#addresses.isFresh() && !this.#isExcused && !this.#isRefused) {
      this.#hold();
      return undefined;
    }
    const next = this.#next(peer);
    return next && this.#chosen(next, now);
  }

  /** To be called after each turn of the driver. */
  afterTurn(now: number): void {
    if (this.#search().silence.look(now)) this.#heard();
  }

  /** The peer was heard from another endpoint than before. */
  roamed(endpoint: Endpoint): void {
    this.#hasRoamed = !this.#addresses.includes(endpoint);
  }

  /** A datagram was refused, or the socket has failed. */
  sendFailed(error: Error, unsent: Datagram | undefined): void {
    if (this.#isClosed) return;
    const isUnreachable = isNetworkFault(error);
    if (isUnreachable && unsent !== undefined && this.#tryNext(unsent)) {
      const endpoint = endpointText(unsent.endpoint);
      this.#log.debug({ endpoint, reason: error.message }, 'trying the next address');
      return;
    }
    this.#sendError = error;
    this.#sendFailedAt = this.#clock.now();
    this.#warn(error);
    if (isUnreachable) this.#socket.remake();
  }

  close(): void {
    this.#isClosed = true;
    this.#holdTimer?.cancel();
    this.#searched?.silence.close();
    this.#addresses.close();
  }

  /** Once for each kind of failure, at whatever address, until the peer is heard again. */
  #warn(error: Error): void {
    const { message: reason } = error;
    const kind = codeOf(error) ?? reason;
    if (kind !== this.#warnedOf) this.#log.warn({ reason }, 'cannot send to the Arc server');
    this.#warnedOf = kind;
  }

  #search(): SearchedPeer & { readonly silence: SilenceWatch } {
    if (this.#searched === undefined) throw new TypeError('call attach() first');
    return this.#searched;
  }

  #next(peer: Peer): Endpoint | undefined {
    const known = peer.endpoint;
    // A cookie is no answer, but nobody else sends one: the next initiation, with its mac2, goes
    // there, too.
    const isAlive = !this.#isRefused && (peer.cookieReceivedAt ?? -Infinity) >= this.#chosenAt;
    if (known !== undefined && (!this.#isTried || isAlive)) {
      if (this.#hasRoamed || this.#addresses.includes(known)) return known;
    }
    this.#hasRoamed = false;
    return this.#addresses.after(known);
  }

  #chosen(endpoint: Endpoint, now: number): Endpoint {
    if (!this.#isRefused) this.#refusals = 0;
    this.#isTried = true;
    this.#chosenAt = now;
    this.#initiations++;
    this.#triedEndpoints.add(endpointText(endpoint));
    this.#log.debug({ endpoint: endpointText(endpoint) }, 'handshake initiation');
    return endpoint;
  }

  #heard(): void {
    this.#isTried = false;
    this.#initiations = 0;
    this.#triedEndpoints.clear();
    this.#sendError = undefined;
    this.#warnedOf = undefined;
    this.#socket.proved();
  }

  /** True where the datagram was an initiation, and another one is under way. */
  #tryNext(unsent: Datagram): boolean {
    // A whole round refused is no matter of the address; the next round is 5 s later.
    if (this.#refusals + 1 >= this.#addresses.count) return false;
    const { device, schedule } = this.#search();
    this.#isRefused = true;
    const isTried = device.initiationNotSent(unsent.bytes, this.#clock.now());
    this.#isRefused = false;
    if (!isTried) return false;
    this.#refusals++;
    this.#initiations--;
    this.#triedEndpoints.delete(endpointText(unsent.endpoint));
    schedule();
    return true;
  }

  /** The addresses are older than they may be: an initiation waits for the resolver. */
  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    if (this.#addresses.count > 0) this.#startHoldTimer(LONGEST_HOLD, () => this.#release());
    this.#ask();
  }

  #ask(): void {
    void this.#addresses.resolve().then(() => {
      if (!this.#isHeld || this.#isClosed) return;
      if (this.#addresses.count > 0) this.#release();
      else this.#startHoldTimer(RETRY_INTERVAL, () => this.#ask());
    });
  }

  #startHoldTimer(delay: number, handler: () => void): void {
    this.#holdTimer?.cancel();
    this.#holdTimer = this.#clock.startTimer(delay, handler);
  }

  #release(): void {
    this.#isHeld = false;
    this.#holdTimer?.cancel();
    const { device, peer, schedule } = this.#search();
    this.#isExcused = true;
    device.retryHandshake(peer, this.#clock.now());
    this.#isExcused = false;
    schedule();
  }

  /** The peer has been silent for a while: its name may stand for another address by now. */
  #resolveAgain(): void {
    void this.#addresses.resolve().then(() => {
      const { peer, silence } = this.#search();
      if (this.#isClosed || !silence.isSilent(this.#clock.now())) return;
      if (peer.endpoint === undefined || this.#addresses.includes(peer.endpoint)) return;
      const endpoint = this.#addresses.after(undefined);
      if (endpoint === undefined) return;
      this.#hasRoamed = false;
      this.#isTried = false;
      peer.setEndpoint(endpoint);
      this.#log.info(
        { endpoint: endpointText(endpoint) },
        'the Arc server has moved to another address',
      );
    });
  }
}
