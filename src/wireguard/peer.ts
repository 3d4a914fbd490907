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
import { StagedQueue, type StagedTotal } from './data/staged-queue.js';
import { Timers } from './timers.js';

export interface PeerOptions {
  /** The peer's static public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The pre-shared key, 32 bytes; copied. Default: all zeros, which means none (whitepaper 5.4).
   */
  readonly presharedKey?: Uint8Array;
  /** The peer's endpoint. If absent, the peer must send the first message. */
  readonly endpoint?: Endpoint;
  /** The persistent keepalive interval in milliseconds; disabled if 0 or absent. */
  readonly persistentKeepalive?: number;
  /** The peer's inner addresses. If a prefix belongs to another peer, it moves to this peer. */
  readonly allowedIps: readonly IpPrefix[];
  /**
   * Returns the endpoint for the next initiation, for a peer that may have several addresses. If
   * the result is undefined, the initiation is held back until Device.retryHandshake(). The
   * function must not call back into the device.
   */
  readonly chooseEndpoint?: (now: number) => Endpoint | undefined;
}

/** The values that the device supplies to create a peer, in addition to the peer's options. */
export interface PeerSurroundings {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly identity: Identity;
  readonly releaseIndex: (localIndex: number) => void;
  readonly staged: StagedTotal;
}

/** The remote end of a tunnel: its configuration, its statistics and its protocol state. */
export class Peer {
  readonly publicKey: Uint8Array;
  /** The peer's endpoint: as configured, or the source of its last authenticated message (§2.1). */
  endpoint: Endpoint | undefined;
  /** See PeerOptions.chooseEndpoint. */
  readonly chooseEndpoint: ((now: number) => Endpoint | undefined) | undefined;
  /** Bytes received in authenticated WireGuard messages of all types, as in `wg show transfer`. */
  rxBytes = 0;
  /** Bytes of WireGuard messages sent, of all types except cookie replies. */
  txBytes = 0;
  /** When the last handshake completed, in monotonic ms. */
  lastHandshakeAt: number | undefined;
  /** The wall clock time at which the last handshake completed, in ms since 1970. */
  lastHandshakeUnix: number | undefined;
  /**
   * The time in ms between sending the last initiation that was answered and receiving its
   * response, including the responder's cryptographic work; undefined before the first response.
   */
  handshakeRoundTrip: number | undefined;
  /**
   * When a response last failed to decrypt, in monotonic ms. Such a response had a valid mac1, so a
   * wrong pre-shared key is the likely cause.
   */
  lastResponseRejected: number | undefined;
  /** The number of responses that failed to decrypt since the peer was added. */
  responsesRejected = 0;
  /**
   * When the current incomplete handshake began, in monotonic ms. If the handshake gives up, the
   * value stays until the next handshake begins.
   */
  handshakeBeganAt: number | undefined;
  /**
   * When the first unanswered packet was sent, in monotonic ms. Any received data message counts as
   * a response. A peer with no data to send answers with a passive keepalive within
   * KEEPALIVE_TIMEOUT (§6.5).
   */
  unansweredDataSince: number | undefined;
  /**
   * When the first packet was sent after a packet last arrived, in monotonic ms. Keepalives do not
   * count as packets: a peer that drops packets with a wrong inner source address still sends
   * keepalives.
   */
  unreturnedPacketsSince: number | undefined;
  /** Whether a keepalive has arrived since `unreturnedPacketsSince`. */
  isAnsweredByKeepalives = false;
  /** When the last packet was sent, in monotonic ms. */
  lastPacketSentAt = -Infinity;

  // Internal protocol state, for use inside src/wireguard only.

  readonly #presharedKey = secretBytes(KEY_LENGTH);
  readonly handshake: Handshake;
  readonly keypairs: Keypairs;
  readonly timers: Timers;
  readonly cookies: CookieGenerator;
  readonly staged: StagedQueue;
  lastSentInitiation = -Infinity;
  lastSentResponse = -Infinity;
  /** Whether the next message is sent with Datagram.isSourceInDoubt. */
  isSourceInDoubt = false;
  /**
   * Whether this session was already rekeyed because data was received, which happens only once
   * (§6.2).
   */
  sentLastMinuteHandshake = false;
  /** Whether the peer was removed or the device was closed. */
  isRemoved = false;

  /** @throws RangeError if a key is not 32 bytes or the keepalive interval is negative */
  constructor(options: PeerOptions, surroundings: PeerSurroundings) {
    const { crypto, entropy, identity, releaseIndex, staged } = surroundings;
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
    this.staged = new StagedQueue(staged);
  }

  /** When an initiation or a response was last sent. REKEY_TIMEOUT starts at this time (§6.1). */
  get lastSentHandshake(): number {
    return Math.max(this.lastSentInitiation, this.lastSentResponse);
  }

  set lastSentHandshake(now: number) {
    this.lastSentInitiation = this.lastSentResponse = now;
  }

  /**
   * The number of retries of the current handshake; 0 before the first retry or if no handshake is
   * in progress.
   */
  get handshakeAttempts(): number {
    return this.timers.handshakeAttempts;
  }

  /** The persistent keepalive interval in milliseconds; 0 if disabled. */
  get persistentKeepalive(): number {
    return this.timers.persistentKeepaliveInterval;
  }

  /** The number of packets that are waiting for the handshake. */
  get stagedPackets(): number {
    return this.staged.length;
  }

  /**
   * The fraction of the peer's data messages that were lost, from 0 to 1, across the stored
   * sessions; undefined if no message arrived. A late message counts as lost until it arrives.
   * Losses after the last received message are unknown.
   */
  get receivedLoss(): number | undefined {
    return this.keypairs.receivedLoss;
  }

  /** When the last cookie reply arrived, in monotonic ms. The peer was under load at that time. */
  get cookieReceivedAt(): number | undefined {
    return this.cookies.cookieReceivedAt;
  }

  /**
   * Whether packets are waiting for a handshake, or a handshake is in progress and has not given
   * up.
   */
  get isHandshakeWanted(): boolean {
    const isUnderWay = this.handshakeBeganAt !== undefined && !this.timers.hasGivenUp;
    return isUnderWay || this.staged.length > 0;
  }

  /** Whether a packet can be sent immediately, without a handshake. */
  hasSession(now: number): boolean {
    return this.keypairs.current?.canSend(now) ?? false;
  }

  /** Sets the endpoint until an authenticated message arrives from another address. */
  setEndpoint(endpoint: Endpoint | undefined): void {
    this.endpoint = endpoint;
  }

  /**
   * Sets the pre-shared key for future handshake messages. Existing sessions are unaffected.
   * @throws RangeError if the key is not 32 bytes
   */
  setPresharedKey(presharedKey: Uint8Array | undefined): void {
    if (presharedKey === undefined) this.#presharedKey.fill(0);
    else this.#presharedKey.set(requireKey(presharedKey));
    this.handshake.setPresharedKey(presharedKey);
  }

  /** The pre-shared key itself, not a copy: 32 bytes, all zeros if unset. */
  presharedKey(): Secret<Uint8Array> {
    return new Secret(this.#presharedKey);
  }

  /**
   * Changes the persistent keepalive interval. If keepalives were disabled, the first one is due
   * immediately, as for a new peer.
   *
   * @param interval in ms; 0 disables the keepalive
   * @throws RangeError if the interval is negative
   */
  setPersistentKeepalive(interval: number, now: number): void {
    requireInterval(interval);
    this.timers.setPersistentKeepalive(interval, now);
  }

  /** Wipes all sessions and the current handshake (§6.3). A new handshake is still possible. */
  zeroKeyMaterial(): void {
    this.handshake.clear();
    this.keypairs.wipe();
  }

  /**
   * Wipes the sessions early, so that a new handshake may begin immediately. Stops expecting
   * replies under the old sessions, because they can no longer be decrypted.
   */
  discardSessions(): void {
    this.zeroKeyMaterial();
    this.timers.sessionsDiscarded();
    this.expectNothing();
  }

  /**
   * Adjusts sessions and timers after a sleep, during which the monotonic clock stood still.
   * @param duration in ms
   */
  sleptFor(duration: number): void {
    this.keypairs.sleptFor(duration);
    // The peer's clock kept running, so a session from this handshake would be older than it seems.
    this.handshake.clear();
    this.timers.sleptFor(duration);
  }

  /** Resets the limit on initiations and the measurement of the peer's silence. */
  expectNothing(): void {
    this.lastSentHandshake = -Infinity;
    this.handshakeBeganAt = undefined;
    this.unansweredDataSince = undefined;
    this.packetReturned();
  }

  /** Records that a reply packet arrived or is no longer expected. */
  packetReturned(): void {
    this.unreturnedPacketsSince = undefined;
    this.isAnsweredByKeepalives = false;
  }

  /** Wipes all secrets permanently. */
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
  if (!(interval >= 0)) throw new RangeError('the persistent keepalive must be 0 ms or more');
}

function requireKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_LENGTH) throw new RangeError('a key must be 32 bytes long');
  return key;
}
