/**
 * A WireGuard interface: one key pair, many peers, both roles. Read first: sections 2, 5 and 6 of
 * the WireGuard whitepaper.
 *
 * Synchronous and without effects of its own: datagrams, packets and `now` come in, messages and
 * packets go to the sink, `nextTimeout()` says when to call again. What is not here: sockets, ICMP
 * errors for packets without a route (the sink is told of them), and DNS.
 */
import { Secret } from '../lib/secrets/secret.js';
import type { IpAddress } from '../wire/ip-address.js';
import { AllowedIps } from './data/allowed-ips.js';
import { ClockJump } from './clock-jump.js';
import { publicKeyText, type DeviceContext } from './context.js';
import { CookieChecker } from './handshake/cookie.js';
import { routePacket } from './data/cryptokey-routing.js';
import type { Datagram } from '../ports/datagram.js';
import type { DeviceOptions } from './device-options.js';
import { DropCounter, type DropCounts } from './drop-reason.js';
import { EventQueue, type DeviceEvent } from './events.js';
import { Identity } from './handshake/identity.js';
import { IndexTable } from './handshake/index-table.js';
import { Peer, type PeerOptions } from './peer.js';
import { Receiver } from './data/receive.js';
import { Sender } from './data/send.js';
import { silenceOf, type SilenceReason } from './silence.js';
import { compareTimestamps } from './handshake/tai64n.js';

export type { DeviceSink } from './context.js';
export type { DeviceOptions } from './device-options.js';
export type { DropCounts, DropReason } from './drop-reason.js';
export type { DeviceEvent } from './events.js';
export type { SilenceReason } from './silence.js';
export { Peer, type PeerOptions } from './peer.js';

export class Device {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #clockJump: ClockJump;
  readonly #releaseIndex: (localIndex: number) => void;
  #lastTimestamp: Uint8Array | undefined;
  #isClosed = false;

  /** @throws RangeError where the private key is not 32 bytes or the MTU not positive */
  constructor(options: DeviceOptions) {
    const { crypto, entropy, wallClock, sink, mtu } = options;
    if (!(mtu > 0)) throw new RangeError('an MTU is positive');
    const identity = new Identity(crypto, options.privateKey);
    this.#context = {
      crypto,
      entropy,
      wallClock,
      sink,
      mtu,
      indices: new IndexTable(entropy),
      allowedIps: new AllowedIps(),
      drops: new DropCounter(),
      events: new EventQueue(),
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

  /** What was thrown away, by reason. */
  get drops(): DropCounts {
    return this.#context.drops;
  }

  /** Entries of the tables that unmatchedSegments or time could make grow: to show that they do not. */
  get tableSizes(): { readonly sessionIndices: number; readonly rateLimitedSources: number } {
    return {
      sessionIndices: this.#context.indices.size,
      rateLimitedSources: this.#receiver.rateLimitedSources,
    };
  }

  /** All peers, in the order in which they were added. */
  get peers(): Iterable<Peer> {
    return this.#context.peers.values();
  }

  /** The latest TAI64N stamp sent to any peer, to be kept for the next process. */
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
   * Adds a peer. With a persistent keepalive, the first one is due at once.
   *
   * @throws RangeError where the key is not 32 bytes, our own, or there already
   */
  addPeer(options: PeerOptions, now: number): Peer {
    const { crypto, entropy, identity, peers, allowedIps } = this.#context;
    if (this.#isClosed) throw new RangeError('the device is closed');
    const key = publicKeyText(options.publicKey);
    if (key === publicKeyText(identity.publicKey)) {
      throw new RangeError('a peer with our own public key');
    }
    if (peers.has(key)) throw new RangeError('the peer is there already');
    const releaseIndex = this.#releaseIndex;
    const peer = new Peer(options, { crypto, entropy, identity, releaseIndex });
    peer.handshake.lastSentTimestamp = this.#lastTimestamp;
    peers.set(key, peer);
    for (const prefix of options.allowedIps) allowedIps.set(prefix, peer);
    peer.timers.start(now);
    return peer;
  }

  /** Removes a peer and wipes its keys. A second time does nothing. */
  removePeer(peer: Peer): void {
    if (peer.isRemoved) return;
    this.#lastTimestamp = this.lastTimestamp;
    this.#context.drops.drop('staged-purged', peer.staged.length);
    this.#context.peers.delete(publicKeyText(peer.publicKey));
    this.#context.allowedIps.removeAll(peer);
    peer.wipe();
  }

  /**
   * Stamps initiations from now on later than this one as well: the last `lastTimestamp` of an earlier
   * process with a key that is to be ours (whitepaper 5.1).
   */
  stampLaterThan(timestamp: Uint8Array): void {
    this.#lastTimestamp = later(this.#lastTimestamp, timestamp);
    for (const { handshake } of this.#context.peers.values()) {
      handshake.lastSentTimestamp = later(handshake.lastSentTimestamp, timestamp);
    }
  }

  /**
   * Replaces our key pair: nothing more is sent under the sessions of the old one, and a new
   * handshake may begin at once. A peer whose public key is now our own is removed.
   *
   * @throws RangeError where the key is not 32 bytes
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
   * Wipes all sessions and handshakes under way, as after a suspend or in the copy of a virtual
   * machine, where the same counters would be used twice. The next packet begins a handshake.
   */
  discardSessions(): void {
    for (const peer of this.#context.peers.values()) peer.discardSessions();
  }

  /**
   * Takes what came from the network. The bytes are ours: data is decrypted in place, and what the
   * sink gets are views of them.
   */
  handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    if (this.#isClosed) return;
    this.#clockJump.check(now);
    for (let index = 0; index < datagrams.length; index++) {
      const { bytes, endpoint, trafficClass = 0 } = datagrams[index]!;
      this.#receiver.handle(bytes, endpoint, trafficClass, now);
    }
  }

  /**
   * Sends IP packets, each in a slot of src/lib/packet-slot.ts. The slots are ours: a packet is
   * encrypted inside its slot, at once or after the handshake.
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

  /** Our private key: 32 bytes, the key itself and no copy. */
  privateKey(): Secret<Uint8Array> {
    return new Secret(this.#context.identity.privateKey);
  }

  /** The peer with this public key; undefined for none. */
  peerOf(publicKey: Uint8Array): Peer | undefined {
    return this.#context.peers.get(publicKeyText(publicKey));
  }

  /** Which peer each inner address is routed to. Only peers of this device belong in there. */
  get allowedIps(): AllowedIps<Peer> {
    return this.#context.allowedIps;
  }

  /** The peer that an inner address is routed to, by the longest prefix; undefined for none. */
  peerFor(address: IpAddress): Peer | undefined {
    return this.#context.allowedIps.lookup(address);
  }

  /** Begins a handshake, unless one was begun less than REKEY_TIMEOUT ago (whitepaper 6.1). */
  initiateHandshake(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (!peer.isRemoved) this.#sender.beginHandshake(peer, now);
  }

  /**
   * Begins a handshake where no session stands, or one that the next packet would renew (6.2): who knows
   * that a packet comes soon need not wait for it.
   */
  refreshSession(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (!peer.isRemoved) this.#sender.refreshSession(peer, now);
  }

  /**
   * Sends the initiation that PeerOptions.chooseEndpoint has held back, as a further attempt at the
   * handshake under way; without one it does nothing. REKEY_TIMEOUT holds (whitepaper 6.1).
   */
  retryHandshake(peer: Peer, now: number): void {
    this.#clockJump.check(now);
    if (peer.isRemoved || peer.handshakeBeganAt === undefined) return;
    this.#sender.retryHandshake(peer, now);
  }

  /**
   * To be told of a message that the operating system refused. Where it is the initiation that waits
   * for its response, another one goes at once: 6.1 limits what is sent, and this was not.
   *
   * @returns whether it was that
   */
  initiationNotSent(message: Uint8Array, now: number): boolean {
    return !this.#isClosed && this.#sender.initiationNotSent(message, now);
  }

  /** Does what has become due. Call it at `nextTimeout()` or a little later. */
  handleTimeout(now: number): void {
    this.#clockJump.check(now);
    for (const peer of this.#context.peers.values()) {
      peer.timers.handleTimeout(peer, this.#sender, now);
    }
  }

  /** Why nothing comes from `peer`, for whoever has waited in vain; undefined where all is well. */
  silenceOf(peer: Peer, now: number): SilenceReason | undefined {
    return silenceOf(peer, now);
  }

  /** When something becomes due, in `now` ms; Infinity for never. */
  nextTimeout(): number {
    let next = Infinity;
    for (const peer of this.#context.peers.values()) {
      next = Math.min(next, peer.timers.nextTimeout());
    }
    return next;
  }

  /** What becomes due then, for logs: a TimerName, or `idle`. */
  nextTimeoutReason(): string {
    const next = this.nextTimeout();
    for (const peer of this.#context.peers.values()) {
      if (peer.timers.nextTimeout() === next) return peer.timers.nextTimeoutReason() ?? 'idle';
    }
    return 'idle';
  }

  /** Takes the oldest event that has not been taken. */
  pollEvent(): DeviceEvent | undefined {
    return this.#context.events.poll();
  }

  /** Removes all peers and wipes all keys. What comes afterwards is ignored. */
  close(): void {
    this.#isClosed = true;
    for (const peer of [...this.#context.peers.values()]) this.removePeer(peer);
    this.#context.identity.wipe();
    this.#context.cookieChecker.wipe();
  }
}

function later(one: Uint8Array | undefined, other: Uint8Array): Uint8Array {
  return one !== undefined && compareTimestamps(one, other) > 0 ? one : other.slice();
}
