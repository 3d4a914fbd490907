/**
 * A WireGuard interface: one key pair, any number of peers, and both handshake roles. Read sections
 * 2, 5 and 6 of the WireGuard whitepaper first.
 *
 * The device is synchronous and performs no I/O: it receives datagrams, packets and `now`, and
 * passes messages and packets to the sink. `nextTimeout()` returns when to call handleTimeout().
 * Sockets, ICMP errors and DNS are handled elsewhere; the sink is notified of packets without a
 * route.
 */
import { Secret } from '../lib/secrets/secret.js';
import type { IpAddress } from '../wire/ip-address.js';
import { AllowedIps } from './data/allowed-ips.js';
import { ClockJump } from './clock-jump.js';
import { publicKeyText, type DeviceContext } from './context.js';
import { CookieChecker } from './handshake/cookie.js';
import { routePacket } from './data/cryptokey-routing.js';
import type { Datagram } from '../ports/datagram.js';
import { DropCounter } from '../lib/drop-counter.js';
import type { DropCounts, DropReason } from './drop-reason.js';
import { EventQueue, type DeviceEvent } from './events.js';
import { Identity } from './handshake/identity.js';
import { IndexTable } from './handshake/index-table.js';
import { Peer, type PeerOptions } from './peer.js';
import { Receiver } from './data/receive.js';
import { Sender } from './data/send.js';
import { silenceOf, type SilenceReason } from './silence.js';
import { compareTimestamps } from './handshake/tai64n.js';

export type { DeviceSink } from './context.js';
export type { DropCounts, DropReason } from './drop-reason.js';
export type { DeviceEvent } from './events.js';
export type { SilenceReason } from './silence.js';
export { Peer, type PeerOptions } from './peer.js';

export interface DeviceOptions
  extends
    Pick<DeviceContext, 'crypto' | 'entropy' | 'wallClock' | 'sink'>,
    Partial<Pick<DeviceContext, 'sessionsOutliveSleep' | 'observer'>> {
  /** The static private key, 32 bytes; copied. close() wipes the copy. */
  readonly privateKey: Uint8Array;
  /** The length of the longest inner packet: the path MTU minus 60 (IPv4) or 80 (IPv6) bytes. */
  readonly mtu: number;
  /**
   * The final value of `lastTimestamp` in the previous process with the same key. The timestamps of
   * new initiations are later than this value even if the wall clock was set back (whitepaper 5.1).
   */
  readonly lastTimestamp?: Uint8Array | undefined;
}

export class Device {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #clockJump: ClockJump;
  readonly #releaseIndex: (localIndex: number) => void;
  #lastTimestamp: Uint8Array | undefined;
  #isClosed = false;

  /** @throws RangeError if the private key is not 32 bytes or the MTU is not positive */
  constructor(options: DeviceOptions) {
    const { crypto, entropy, wallClock, sink, mtu } = options;
    if (!(mtu > 0)) throw new RangeError('the MTU must be positive');
    const identity = new Identity(crypto, options.privateKey);
    this.#context = {
      crypto,
      entropy,
      wallClock,
      sink,
      mtu,
      indices: new IndexTable(entropy),
      allowedIps: new AllowedIps(),
      drops: new DropCounter<DropReason>(),
      events: new EventQueue(),
      staged: { packets: 0 },
      peers: new Map(),
      sessionsOutliveSleep: options.sessionsOutliveSleep,
      observer: options.observer,
      identity,
      cookieChecker: new CookieChecker(crypto, entropy, identity.publicKey),
    };
    this.#sender = new Sender(this.#context);
    this.#clockJump = new ClockJump(this.#context, this.#sender);
    this.#receiver = new Receiver(this.#context, this.#sender);
    this.#releaseIndex = (localIndex) => this.#context.indices.release(localIndex);
    this.#lastTimestamp = options.lastTimestamp?.slice();
  }

  get publicKey(): Uint8Array {
    return this.#context.identity.publicKey;
  }

  /** The number of dropped messages and packets, by reason. */
  get drops(): DropCounts {
    return this.#context.drops;
  }

  /**
   * The sizes of tables that could grow over time or under attack. Tests check that these sizes
   * stay small.
   */
  get tableSizes(): {
    readonly sessionIndices: number;
    readonly rateLimitedSources: number;
    readonly waitingHandshakes: number;
  } {
    return {
      sessionIndices: this.#context.indices.size,
      rateLimitedSources: this.#receiver.rateLimitedSources,
      waitingHandshakes: this.#receiver.waitingHandshakes,
    };
  }

  /** The number of packets that wait for a handshake. */
  get stagedPackets(): number {
    return this.#context.staged.packets;
  }

  /** All peers, in the order in which they were added. */
  get peers(): Iterable<Peer> {
    return this.#context.peers.values();
  }

  /** The latest TAI64N timestamp sent to any peer, to be saved for the next process. */
  get lastTimestamp(): Uint8Array | undefined {
    let last = this.#lastTimestamp;
    for (const peer of this.#context.peers.values()) {
      const stamp = peer.handshake.lastSentTimestamp;
      if (stamp !== undefined && (last === undefined || compareTimestamps(stamp, last) > 0)) {
        last = stamp;
      }
    }
    return last;
  }

  /**
   * Adds a peer. The peer's first persistent keepalive, if enabled, is due immediately.
   *
   * @throws RangeError if the key is not 32 bytes, is the device's own key, or belongs to an
   * existing peer
   */
  addPeer(options: PeerOptions, now: number): Peer {
    const { crypto, entropy, identity, peers, allowedIps, staged } = this.#context;
    if (this.#isClosed) throw new RangeError('the device is closed');
    const key = publicKeyText(options.publicKey);
    if (key === publicKeyText(identity.publicKey)) {
      throw new RangeError('the peer must not have the public key of this device');
    }
    if (peers.has(key)) throw new RangeError('the peer already exists');
    const releaseIndex = this.#releaseIndex;
    const peer = new Peer(options, { crypto, entropy, identity, releaseIndex, staged });
    peer.handshake.lastSentTimestamp = this.#lastTimestamp;
    peers.set(key, peer);
    for (const prefix of options.allowedIps) allowedIps.set(prefix, peer);
    peer.timers.start(now);
    return peer;
  }

  /** Removes a peer and wipes its keys. Does nothing if the peer was already removed. */
  removePeer(peer: Peer): void {
    if (peer.isRemoved) return;
    this.#lastTimestamp = this.lastTimestamp;
    this.#context.drops.count('staged-purged', peer.staged.length);
    this.#context.peers.delete(publicKeyText(peer.publicKey));
    this.#context.allowedIps.removeAll(peer);
    peer.wipe();
  }

  /**
   * Makes the timestamps of future initiations later than `timestamp`. Call this with an earlier
   * process's `lastTimestamp` before this device uses the same key (whitepaper 5.1).
   */
  stampLaterThan(timestamp: Uint8Array): void {
    this.#lastTimestamp = later(this.#lastTimestamp, timestamp);
    for (const { handshake } of this.#context.peers.values()) {
      handshake.lastSentTimestamp = later(handshake.lastSentTimestamp, timestamp);
    }
  }

  /**
   * Replaces the device's key pair. Nothing more is sent under the old sessions, and a new
   * handshake may begin immediately. A peer with the new public key is removed.
   *
   * @throws RangeError if the key is not 32 bytes
   */
  setPrivateKey(privateKey: Uint8Array): void {
    const { crypto, entropy, peers } = this.#context;
    const old = this.#context.identity;
    const identity = new Identity(crypto, privateKey);
    const self = peers.get(publicKeyText(identity.publicKey));
    if (self !== undefined) this.removePeer(self);
    this.#context.identity = identity;
    this.#context.cookieChecker.wipe();
    this.#context.cookieChecker = new CookieChecker(crypto, entropy, identity.publicKey);
    for (const peer of peers.values()) {
      peer.handshake.setIdentity(identity);
      peer.keypairs.expireSending();
      peer.expectNothing();
    }
    old.wipe();
  }

  /**
   * Wipes all sessions and handshakes in progress, for example after a suspend or in a cloned
   * virtual machine, where counters would be reused. The next packet begins a handshake.
   */
  discardSessions(): void {
    for (const peer of this.#context.peers.values()) peer.discardSessions();
  }

  /**
   * Processes datagrams from the network. The device decrypts their bytes in place and passes views
   * to the sink. It does not keep the bytes.
   */
  handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    if (this.#isClosed) return;
    this.#clockJump.check(now);
    for (let index = 0; index < datagrams.length; index++) {
      const { bytes, endpoint, trafficClass = 0 } = datagrams[index]!;
      this.#receiver.handle(bytes, endpoint, trafficClass, now);
    }
    this.#receiver.endTurn(now);
  }

  /**
   * Sends IP packets, each in a packet slot (src/lib/packets/packet-slot.ts). The device becomes the owner
   * of the slots: it encrypts each packet inside its slot, immediately or after the handshake.
   */
  sendPackets(slots: readonly Uint8Array[], now: number): void {
    if (this.#isClosed) return;
    this.#clockJump.check(now);
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!;
      const peer = routePacket(this.#context, slot, now);
      if (peer !== undefined) this.#sender.send(peer, slot, now);
    }
  }

  /** The device's 32-byte private key itself, not a copy. */
  privateKey(): Secret<Uint8Array> {
    return new Secret(this.#context.identity.privateKey);
  }

  /** Returns the peer with this public key, or undefined if no such peer exists. */
  peerOf(publicKey: Uint8Array): Peer | undefined {
    return this.#context.peers.get(publicKeyText(publicKey));
  }

  /** The routing table from inner addresses to peers. Must contain only peers of this device. */
  get allowedIps(): AllowedIps<Peer> {
    return this.#context.allowedIps;
  }

  /** Returns the peer with the longest allowed-IPs prefix that contains `address`, or undefined. */
  peerFor(address: IpAddress): Peer | undefined {
    return this.#context.allowedIps.lookup(address);
  }

  /** Begins a handshake, unless one began less than REKEY_TIMEOUT ago (whitepaper 6.1). */
  initiateHandshake(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (!peer.isRemoved) this.#sender.beginHandshake(peer, now);
  }

  /**
   * Begins a handshake if no session exists or if the next packet would renew the session (§6.2).
   * Call this before sending a packet, so that the packet does not have to wait.
   */
  refreshSession(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (!peer.isRemoved) this.#sender.refreshSession(peer, now);
  }

  /**
   * Sends the initiation that PeerOptions.chooseEndpoint held back, as another attempt in the
   * current handshake. Does nothing if no handshake is in progress. REKEY_TIMEOUT still limits
   * initiations (whitepaper 6.1).
   */
  retryHandshake(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (peer.isRemoved || peer.handshakeBeganAt === undefined) return;
    this.#sender.retryHandshake(peer, now);
  }

  /**
   * Reports a message that the operating system refused to send. If the message is the current
   * initiation, another initiation is sent immediately: the limit on initiations (§6.1) applies
   * only to those that were sent.
   *
   * @returns whether the message was the current initiation
   */
  initiationNotSent(message: Uint8Array, now: number): boolean {
    return !this.#isClosed && this.#sender.initiationNotSent(message, now);
  }

  /** Runs all timers that are due. Call this at `nextTimeout()` or a little later. */
  handleTimeout(now: number): void {
    this.#clockJump.check(now);
    for (const peer of this.#context.peers.values()) {
      peer.timers.handleTimeout(peer, this.#sender, now);
    }
    this.#receiver.handleTimeout(now);
  }

  /** Returns why no data arrives from `peer`, or undefined if there is no problem. */
  silenceOf(peer: Peer, now: number): SilenceReason | undefined {
    return silenceOf(peer, now);
  }

  /** Returns when the next timer expires, in monotonic ms; Infinity if no timer is set. */
  nextTimeout(): number {
    let next = this.#receiver.nextTimeout();
    for (const peer of this.#context.peers.values()) {
      next = Math.min(next, peer.timers.nextTimeout());
    }
    return next;
  }

  pollEvent(): DeviceEvent | undefined {
    return this.#context.events.poll();
  }

  /** Removes all peers and wipes all keys. Later input is ignored. */
  close(): void {
    this.#isClosed = true;
    this.#receiver.close();
    for (const peer of [...this.#context.peers.values()]) this.removePeer(peer);
    this.#context.identity.wipe();
    this.#context.cookieChecker.wipe();
  }
}

function later(one: Uint8Array | undefined, other: Uint8Array): Uint8Array {
  return one !== undefined && compareTimestamps(one, other) > 0 ? one : other.slice();
}
