/**
 * Relays the datagrams of one association between its client and the tunnel (RFC 1928 7). Invalid
 * datagrams from either side are dropped and counted, and never cause an exception.
 */
import { DropCounter } from '../../../lib/drop-counter.js';
import type { DatagramSocket } from '../../../ports/datagram-sockets.js';
import type { Datagram, Endpoint } from '../../../ports/datagram.js';
import type { DatagramAddress, DatagramPort, UnsentReason } from '../../datagram-dialer.js';
import type { DialTarget } from '../../dialer.js';
import { addressText } from '../../target-host.js';
import { KnownNames, type Resolve } from './known-names.js';
import { readUdpHeader, withUdpHeader } from './udp-header.js';

/**
 * Why a datagram was dropped:
 *
 * - the reasons of UnsentReason
 * - `fragment`: the client fragmented the datagram, which is not supported
 * - `malformed`: the header is invalid
 * - `other-client`: another program sent the datagram to the relay
 * - `name-unresolved`: the target's name has no address inside the tunnel
 * - `too-many-names`: too many datagrams wait for name lookups
 * - `other-sender`: a host answered to which the client has not sent recently
 * - `slow-client`: too many datagrams wait for the client
 */
export type UdpDropReason =
  | UnsentReason
  | 'fragment'
  | 'malformed'
  | 'other-client'
  | 'name-unresolved'
  | 'too-many-names'
  | 'other-sender'
  | 'slow-client';

/** The maximum number of bytes that wait for the client's socket. */
const MAX_QUEUED = 1024 * 1024;

export interface UdpRelayOptions {
  /** The client's address, and its port or 0 if the first datagram determines it. */
  readonly client: Endpoint;
  readonly socket: DatagramSocket;
  readonly resolve: Resolve;
  /** A monotonic time in milliseconds. */
  readonly now: () => number;
  /** Counts the drops of all relays. */
  readonly totals?: DropCounter<UdpDropReason> | undefined;
  /** Called for the first drop for each reason, with the target if it is known. */
  readonly onDrop: (reason: UdpDropReason, target?: DialTarget) => void;
}

export class UdpRelay {
  readonly drops = new DropCounter<UdpDropReason>();
  /** The number of datagrams relayed to the tunnel and to the client. */
  sent = 0;
  received = 0;
  readonly #options: UdpRelayOptions;
  readonly #targets = new KnownTargets();
  readonly #names: KnownNames;
  /** Undefined until the first valid datagram from the client. */
  #client: Endpoint | undefined;
  #port: DatagramPort | undefined;
  /** Answers that are sent together after the current turn of the tunnel. */
  #answers: Datagram[] = [];

  constructor(options: UdpRelayOptions) {
    this.#options = options;
    this.#names = new KnownNames(options.resolve);
    options.socket.onReceive = (datagrams) => {
      for (const datagram of datagrams) this.#handleClient(datagram);
    };
  }

  /** Relays to and from `port`. Until this call, datagrams from the client are dropped. */
  open(port: DatagramPort): void {
    this.#port = port;
  }

  /** Stops relaying. */
  close(): void {
    this.#port?.close();
    this.#port = undefined;
    this.#answers = [];
  }

  /** Handles a datagram from the tunnel. */
  readonly handleTunnel = (payload: Uint8Array, from: DatagramAddress): void => {
    const { socket, now } = this.#options;
    const endpoint = this.#client;
    if (this.#port === undefined || endpoint === undefined) return;
    if (!this.#targets.mayAnswer(from.address, now())) this.#drop('other-sender');
    else if (socket.queuedBytes > MAX_QUEUED) this.#drop('slow-client');
    else this.#answer({ bytes: withUdpHeader(payload, from), endpoint });
  };

  #answer(datagram: Datagram): void {
    this.received++;
    if (this.#answers.push(datagram) > 1) return;
    queueMicrotask(() => {
      const answers = this.#answers;
      this.#answers = [];
      if (answers.length > 0) this.#options.socket.send(answers);
    });
  }

  #handleClient({ bytes, endpoint }: Datagram): void {
    if (!this.#isClient(endpoint)) {
      this.#drop('other-client');
      return;
    }
    const header = readUdpHeader(bytes);
    if (typeof header === 'string') {
      this.#drop(header);
      return;
    }
    this.#client ??= endpoint;
    const payload = bytes.subarray(header.length);
    const { host, port } = header;
    if (typeof host === 'string') this.#sendToName(payload, { host, port });
    else this.#send(payload, { address: host, port });
  }

  /**
   * RFC 1928 7: the relay MUST drop datagrams from any address except the client's. The port is
   * checked, too, because other users' programs may have the same address.
   */
  #isClient(from: Endpoint): boolean {
    const known = this.#client;
    if (known === from) return true;
    const { address, port } = known ?? this.#options.client;
    return from.address === address && (port === 0 || from.port === port);
  }

  #sendToName(payload: Uint8Array, target: DialTarget): void {
    const { host, port } = target;
    const address = this.#names.addressOf(host, this.#options.now());
    if (address === undefined) {
      this.#drop('name-unresolved', target);
    } else if (address === 'unknown') {
      // The datagram's bytes are valid only until this call returns.
      const copy = payload.slice();
      const isWaiting = this.#names.wait(host, (found) => {
        if (found === undefined) this.#drop('name-unresolved', target);
        else this.#send(copy, { address: found, port });
      });
      if (!isWaiting) this.#drop('too-many-names', target);
    } else {
      this.#send(payload, { address, port });
    }
  }

  #send(payload: Uint8Array, to: DatagramAddress): void {
    const reason = this.#port === undefined ? 'closed' : this.#port.send(payload, to);
    if (reason !== undefined) {
      this.#drop(reason, to);
      return;
    }
    this.sent++;
    this.#targets.note(to.address, this.#options.now());
  }

  #drop(reason: UdpDropReason, to?: DialTarget | DatagramAddress): void {
    this.drops.count(reason);
    this.#options.totals?.count(reason);
    if (this.drops.of(reason) > 1) return;
    const isAddress = to !== undefined && 'address' in to;
    const target = isAddress ? { host: addressText(to.address), port: to.port } : to;
    this.#options.onDrop(reason, target);
  }
}

/** The maximum number of hosts; a new host replaces the one that has been idle longest. */
const MAX_TARGETS = 256;

/** After this many milliseconds without a datagram in either direction, a host may not answer. */
const IDLE_TIMEOUT = 60_000;

export class KnownTargets {
  /** The time of each host's last datagram in ms. */
  readonly #usedAt = new Map<number | string, number>();

  /** Records a datagram to a host. */
  note(address: Uint8Array, now: number): void {
    const key = keyOf(address);
    if (this.#usedAt.size >= MAX_TARGETS && !this.#usedAt.has(key)) this.#dropOldest();
    this.#usedAt.set(key, now);
  }

  /**
   * Returns whether a datagram from a host is an answer. Any port of the host may answer (RFC 4787
   * 5, address-dependent filtering), because some protocols answer from another port.
   */
  mayAnswer(address: Uint8Array, now: number): boolean {
    const key = keyOf(address);
    const usedAt = this.#usedAt.get(key);
    if (usedAt === undefined || now - usedAt >= IDLE_TIMEOUT) return false;
    this.#usedAt.set(key, now);
    return true;
  }

  #dropOldest(): void {
    let oldest: number | string | undefined;
    let since = Infinity;
    for (const [key, usedAt] of this.#usedAt) {
      if (usedAt < since) [oldest, since] = [key, usedAt];
    }
    if (oldest !== undefined) this.#usedAt.delete(oldest);
  }
}

/** Returns a number for IPv4 and a string for IPv6. */
function keyOf(address: Uint8Array): number | string {
  if (address.length !== 4) return Buffer.from(address).toString('latin1');
  const [first = 0, second = 0, third = 0, fourth = 0] = address;
  return ((first << 24) | (second << 16) | (third << 8) | fourth) >>> 0;
}
