import type { Crypto } from '../crypto/crypto.js';
import type { Entropy } from '../ports/entropy.js';
import { secretBytes } from '../lib/secrets/secret-bytes.js';
import { Secret } from '../lib/secrets/secret.js';
import type { IpPrefix } from '../wire/ip-address.js';
import { KEY_LENGTH } from './constants.js';
import { CookieGenerator } from './handshake/cookie.js';
import type { Endpoint } from '../ports/datagram.js';
import { Handshake } from './handshake/handshake.js';
import type { Identity } from './handshake/identity.js';
import { Keypairs } from './data/keypair.js';
import { StagedQueue } from './data/staged-queue.js';
import { Timers } from './timers.js';

export interface PeerOptions {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes; absent is none, which is 32 zero bytes (whitepaper 5.4). Copied. */
  readonly presharedKey?: Uint8Array;
  /** Where it is; absent until it speaks first. */
  readonly endpoint?: Endpoint;
  /** Milliseconds of silence before an empty packet is sent; 0 or absent is off. */
  readonly persistentKeepalive?: number;
  /** The inner addresses that are the peer's; a prefix that another peer had moves here. */
  readonly allowedIps: readonly IpPrefix[];
  /**
   * Asked before each initiation where it is to go, for a peer that may be at several addresses;
   * undefined holds it back until Device.retryHandshake(). Must not call the device back.
   */
  readonly chooseEndpoint?: (now: number) => Endpoint | undefined;
}

/** What a peer is made with besides its options. */
export interface PeerSurroundings {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly identity: Identity;
  readonly releaseIndex: (localIndex: number) => void;
}

/** The other end of a tunnel: what is known of it, and the state of the protocol with it. */
export class Peer {
  readonly publicKey: Uint8Array;
  /** Where it is: as set, or the source of its last authentic message (2.1). */
  endpoint: Endpoint | undefined;
  /** As in PeerOptions. */
  readonly chooseEndpoint: ((now: number) => Endpoint | undefined) | undefined;
  /** Bytes of authenticated WireGuard messages of all types, as `wg show transfer` counts them. */
  rxBytes = 0;
  /** Bytes of WireGuard messages sent of all types but cookie replies. */
  txBytes = 0;
  /** When the last handshake was complete, in `now` ms. */
  lastHandshakeAt: number | undefined;
  /** The same by the wall clock, in ms since 1970. */
  lastHandshakeUnix: number | undefined;
  /**
   * Milliseconds from the last initiation of ours that was answered to its response; undefined before
   * the first. A responder's time with the keys is in it.
   */
  handshakeRoundTrip: number | undefined;
  /**
   * When a response last did not decrypt, in `now` ms. It came with a valid mac1, so that a wrong
   * pre-shared key is the likely cause.
   */
  lastResponseRejected: number | undefined;
  /** How many responses did not decrypt since the peer was added. */
  responsesRejected = 0;
  /**
   * When the handshake was begun that is not complete yet, in `now` ms; stays when it gave up, until
   * the next one is begun.
   */
  handshakeBeganAt: number | undefined;
  /**
   * When the first packet was sent since the last data message came back, in `now` ms. A peer that
   * has nothing to say answers with a keepalive within KEEPALIVE_TIMEOUT (6.5).
   */
  unansweredDataSince: number | undefined;
  /**
   * When the first packet was sent since a packet came back, in `now` ms. A keepalive is none: a peer that
   * throws our packets away, as those from an address that is not ours any more, sends it all the same.
   */
  unreturnedPacketsSince: number | undefined;
  /** A keepalive has come since then. */
  isAnsweredByKeepalives = false;
  /** When the last packet was sent, in `now` ms. */
  lastPacketSentAt = -Infinity;

  // The protocol's own; of no use above src/wireguard.

  readonly #presharedKey = secretBytes(KEY_LENGTH);
  readonly handshake: Handshake;
  readonly keypairs: Keypairs;
  readonly timers: Timers;
  readonly cookies: CookieGenerator;
  readonly staged = new StagedQueue();
  lastSentInitiation = -Infinity;
  lastSentResponse = -Infinity;
  /** The next message is sent with Datagram.isSourceInDoubt. */
  isSourceInDoubt = false;
  /** The session's one rekey on receive has been asked for (6.2). */
  sentLastMinuteHandshake = false;
  /** The peer was removed, or the device closed. */
  isRemoved = false;

  /** @throws RangeError for a key that is not 32 bytes or an interval that is negative */
  constructor(options: PeerOptions, surroundings: PeerSurroundings) {
    const { crypto, entropy, identity, releaseIndex } = surroundings;
    requireKey(options.publicKey);
    const interval = options.persistentKeepalive ?? 0;
    requireInterval(interval);
    this.publicKey = options.publicKey.slice();
    this.endpoint = options.endpoint;
    this.chooseEndpoint = options.chooseEndpoint;
    this.handshake = new Handshake(crypto, identity, this.publicKey, releaseIndex);
    this.setPresharedKey(options.presharedKey);
    this.keypairs = new Keypairs(releaseIndex);
    this.timers = new Timers(entropy, interval);
    this.cookies = new CookieGenerator(crypto, this.publicKey);
  }

  /** When an initiation or response was last sent: the clock of REKEY_TIMEOUT (6.1). */
  get lastSentHandshake(): number {
    return Math.max(this.lastSentInitiation, this.lastSentResponse);
  }

  set lastSentHandshake(now: number) {
    this.lastSentInitiation = this.lastSentResponse = now;
  }

  /** Retries of the handshake under way; 0 where none is or the first message was just sent. */
  get handshakeAttempts(): number {
    return this.timers.handshakeAttempts;
  }

  /** Milliseconds; 0 is off. */
  get persistentKeepalive(): number {
    return this.timers.persistentKeepaliveInterval;
  }

  /** Packets that wait for the handshake. */
  get stagedPackets(): number {
    return this.staged.length;
  }

  /**
   * The share, from 0 to 1, of the peer's data messages that did not come, in the sessions that are
   * kept; undefined where none came. What is only late counts as lost until it is there, and what was
   * lost behind the last one that came is not known.
   */
  get receivedLoss(): number | undefined {
    return this.keypairs.receivedLoss;
  }

  /** When the last cookie reply came, in `now` ms: the peer was under load then. */
  get cookieReceivedAt(): number | undefined {
    return this.cookies.cookieReceivedAt;
  }

  /** Whether packets wait for a handshake, or one is under way that has not been given up. */
  get isHandshakeWanted(): boolean {
    const isUnderWay = this.handshakeBeganAt !== undefined && !this.timers.hasGivenUp;
    return isUnderWay || this.staged.length > 0;
  }

  /** Whether a packet would go out at once. */
  hasSession(now: number): boolean {
    return this.keypairs.current?.canSend(now) ?? false;
  }

  /** Where messages go from now on, until the peer is heard from elsewhere. */
  setEndpoint(endpoint: Endpoint | undefined): void {
    this.endpoint = endpoint;
  }

  /**
   * Holds from the next handshake message on; a session that stands is not touched.
   * @throws RangeError for a key that is not 32 bytes
   */
  setPresharedKey(presharedKey: Uint8Array | undefined): void {
    if (presharedKey === undefined) this.#presharedKey.fill(0);
    else this.#presharedKey.set(requireKey(presharedKey));
    this.handshake.setPresharedKey(presharedKey);
  }

  /** 32 bytes, zeros for none; the key itself and no copy. */
  presharedKey(): Secret<Uint8Array> {
    return new Secret(this.#presharedKey);
  }

  /**
   * Changes the persistent keepalive. Where it was off, the first one is due at once, as when the peer
   * is added.
   *
   * @param interval ms of silence; 0 is off
   * @throws RangeError for a negative interval
   */
  setPersistentKeepalive(interval: number, now: number): void {
    requireInterval(interval);
    this.timers.setPersistentKeepalive(interval, now);
  }

  /** Wipes the sessions and the handshake under way (6.3); a new handshake is possible. */
  zeroKeyMaterial(): void {
    this.handshake.clear();
    this.keypairs.wipe();
  }

  /**
   * Wipes the sessions before their time, so that a new handshake may begin at once. No answer to
   * what was sent under them can be read any more, and none is missed.
   */
  discardSessions(): void {
    this.zeroKeyMaterial();
    this.timers.sessionsDiscarded();
    this.expectNothing();
  }

  /**
   * The monotonic clock has stood still while others went on.
   * @param duration ms
   */
  sleptFor(duration: number): void {
    this.keypairs.sleptFor(duration);
    // The server has counted from then on: a session of that handshake would seem too young.
    this.handshake.clear();
    this.timers.sleptFor(duration);
  }

  /** Forgets what was asked of the peer: the limit on initiations, and since when it is silent. */
  expectNothing(): void {
    this.lastSentHandshake = -Infinity;
    this.handshakeBeganAt = undefined;
    this.unansweredDataSince = undefined;
    this.packetReturned();
  }

  /** A packet came back, or none is missed any more. */
  packetReturned(): void {
    this.unreturnedPacketsSince = undefined;
    this.isAnsweredByKeepalives = false;
  }

  /** Wipes all that is secret, for good. */
  wipe(): void {
    this.isRemoved = true;
    this.timers.stop();
    this.keypairs.wipe();
    this.handshake.wipe();
    this.#presharedKey.fill(0);
    this.cookies.wipe();
    this.staged.clear();
  }
}

function requireInterval(interval: number): void {
  if (!(interval >= 0)) throw new RangeError('a persistent keepalive is 0 ms or more');
}

function requireKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_LENGTH) throw new RangeError('a key is 32 bytes');
  return key;
}
