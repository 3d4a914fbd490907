/** Answers the queries of local programs, from fixed names or through the tunnel's name servers. */
import ipaddr from 'ipaddr.js';

import { messageOf } from '../../lib/errors/error-message.js';
import { untilAborted } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { DialError } from '../dialer.js';
import type { ListenerCounters } from '../http/listener.js';
import type { ProxyLog } from '../proxy-log.js';
import {
  buildResponse,
  CLASS_IN,
  type DnsQuery,
  emptyResponse,
  encodeName,
  RCODE,
  readQuery,
  truncatedResponse,
  TYPE,
} from './dns-message.js';
import type { DnsUpstream } from './dns-upstream.js';
import { FALLBACK_NOTE, type HostNames, reverseNames } from './host-names.js';

/** The maximum number of queries that wait for name servers; further ones get SERVFAIL. */
const MAX_PENDING = 512;

/** A query gets SERVFAIL after this many milliseconds. */
const TIMEOUT = 5_000;

/** The timeouts of the attempts in milliseconds, which together do not exceed TIMEOUT. */
const ATTEMPTS = [2_000, 3_000] as const;

/** How long a client may cache an answer from fixed names, in seconds. */
const FIXED_TTL = 60;

export interface DnsForwarderOptions {
  readonly upstream: Pick<DnsUpstream, 'ask'>;
  /** Names whose addresses replace those of the name servers. */
  readonly hosts?: HostNames | undefined;
  /** Names whose addresses are used only if no name server answers. */
  readonly fallbackHosts?: HostNames | undefined;
  readonly clock: Clock;
  readonly log: ProxyLog;
}

export class DnsForwarder {
  readonly #options: DnsForwarderOptions;
  readonly #fixed: FixedNames;
  readonly #fallback: FixedNames;
  /** Ends the wait of each pending query. */
  readonly #waits = new Set<AbortController>();
  #queries = 0;
  #failures = 0;
  #ignored = 0;
  #isClosed = false;
  #hasLoggedFallback = false;

  constructor(options: DnsForwarderOptions) {
    this.#options = options;
    this.#fixed = new FixedNames(options.hosts ?? new Map());
    this.#fallback = new FixedNames(options.fallbackHosts ?? new Map());
  }

  /** The number of queries that wait for name servers. */
  get pending(): number {
    return this.#waits.size;
  }

  /** Counts a query that got SERVFAIL or REFUSED as a failure, and a message that is not a query as dropped. */
  get counters(): ListenerCounters {
    const dropped = { malformed: this.#ignored };
    return {
      ...{ requests: this.#queries, failures: this.#failures, active: this.pending },
      ...(this.#ignored > 0 && { dropped }),
    };
  }

  /**
   * Returns the response to a client's message; undefined if it must not be answered. Never rejects.
   *
   * @param via the transport between the client and this listener
   */
  async answer(message: Uint8Array, via: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const read = readQuery(message);
    if (read.kind === 'ignored') {
      this.#ignored++;
      return undefined;
    }
    this.#queries++;
    if (read.kind === 'refused') return read.response;
    const { query } = read;
    const response = await this.#answerQuery(query, via);
    const isTooLong = via === 'udp' && response.length > query.udpSize;
    return isTooLong ? truncatedResponse(query, response) : response;
  }

  /** Ends all waits for name servers; their queries get SERVFAIL. */
  close(): void {
    this.#isClosed = true;
    for (const wait of this.#waits) wait.abort(new Error('the DNS listener is closing'));
  }

  async #answerQuery(query: DnsQuery, via: 'udp' | 'tcp'): Promise<Uint8Array> {
    const fixed = this.#fixed.answer(query);
    if (fixed !== undefined) return fixed;
    // The response to a zone transfer may consist of several messages, which are not supported.
    if (query.type === TYPE.axfr || query.type === TYPE.ixfr) {
      return emptyResponse(query, RCODE.notImplemented);
    }
    if (this.#isClosed || this.#waits.size >= MAX_PENDING) {
      return this.#failure(query);
    }
    try {
      return (await this.#ask(query, via)) ?? this.#failure(query);
    } catch (error) {
      const { log } = this.#options;
      const isRefused = error instanceof DialError && error.reason === 'over-budget';
      const rcode = isRefused ? 'REFUSED' : 'SERVFAIL';
      log.debug({ reason: messageOf(error) }, `a DNS query got ${rcode}`);
      return this.#failure(query, isRefused ? RCODE.refused : RCODE.serverFailure);
    }
  }

  #failure(query: DnsQuery, rcode: number = RCODE.serverFailure): Uint8Array {
    this.#failures++;
    return emptyResponse(query, rcode);
  }

  /** @throws Error if the tunnel cannot send the query, at the timeout, or after close() */
  async #ask(query: DnsQuery, via: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const { upstream, clock } = this.#options;
    const wait = new AbortController();
    const { signal } = wait;
    this.#waits.add(wait);
    const timer = clock.startTimer(TIMEOUT, () =>
      wait.abort(new Error(`no response within ${TIMEOUT / 1000} s`)),
    );
    try {
      const asked = upstream.ask(query, { attempts: ATTEMPTS, wholeOnly: via === 'tcp', signal });
      const outcome = await untilAborted(asked, signal);
      if (outcome.kind === 'response') return outcome.bytes;
      const fallback = this.#fallback.answer(query);
      if (fallback !== undefined) this.#logFallback();
      return fallback;
    } finally {
      timer.cancel();
      this.#waits.delete(wait);
    }
  }

  #logFallback(): void {
    if (this.#hasLoggedFallback) return;
    this.#hasLoggedFallback = true;
    this.#options.log.warn({}, FALLBACK_NOTE);
  }
}

/** Answers queries for the addresses of fixed names, and for the names of those addresses. */
class FixedNames {
  readonly #addresses: HostNames;
  readonly #names: HostNames;

  constructor(hosts: HostNames) {
    this.#addresses = hosts;
    this.#names = reverseNames(hosts);
  }

  /** Returns undefined for other names and other types. */
  answer(query: DnsQuery): Uint8Array | undefined {
    if (query.class !== CLASS_IN) return undefined;
    if (query.type === TYPE.ptr) {
      const names = this.#names.get(query.name);
      return names && buildResponse(query, RCODE.noError, names.map(encodeName), FIXED_TTL);
    }
    if (query.type !== TYPE.a && query.type !== TYPE.aaaa) return undefined;
    const addresses = this.#addresses.get(query.name);
    if (addresses === undefined) return undefined;
    const length = query.type === TYPE.a ? 4 : 16;
    // A name without an address of this family exists, so the response is empty (RFC 2308 2.2).
    const records = addresses
      .map((address) => Uint8Array.from(ipaddr.parse(address).toByteArray()))
      .filter((bytes) => bytes.length === length);
    return buildResponse(query, RCODE.noError, records, FIXED_TTL);
  }
}
