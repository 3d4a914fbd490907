/**
 * Processes all incoming messages (whitepaper 5.4, 6.2, 6.5). A handshake message without a valid
 * mac1 is never answered (§5.1). Invalid input never throws; it is counted as a drop.
 */
import { partOf } from '../../lib/packets/packet-bytes.js';
import { decapsulateEcn } from '../../wire/traffic-class.js';
import {
  HANDSHAKE_TRAFFIC_CLASS,
  REJECT_AFTER_MESSAGES,
  REKEY_ON_RECEIVE_AFTER_TIME,
  TAG_LENGTH,
} from '../constants.js';
import { publicKeyText, type DeviceContext } from '../context.js';
import type { Endpoint } from '../../ports/datagram.js';
import { openInitiation } from '../handshake/handshake.js';
import { innerPacketLength, sourceOffset } from './inner-packet.js';
import type { Keypair } from './keypair.js';
import { LoadMeter } from '../handshake/load-meter.js';
import {
  COOKIE_REPLY,
  DATA,
  INITIATION,
  MESSAGE_COOKIE_REPLY,
  MESSAGE_DATA,
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  RESPONSE,
  messageType,
  readCounter,
  readIndex,
  readUint32,
} from '../messages.js';
import type { Peer } from '../peer.js';
import { RateLimiter } from '../handshake/rate-limiter.js';
import { addressBytes, hasMac2 } from '../handshake/cookie.js';
import { StrangerLimit } from '../handshake/stranger-limit.js';
import { STRANGERS_PER_TURN, StrangerQueue } from '../handshake/stranger-queue.js';
import type { Sender } from './send.js';

/** The time in ms after which waiting handshake messages are processed without new datagrams. */
const TURN_INTERVAL = 1;

export class Receiver {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #loadMeter = new LoadMeter();
  readonly #rateLimiter = new RateLimiter();
  readonly #strangers = new StrangerQueue();
  readonly #strangerLimit: StrangerLimit;
  /** The replies to this device's own handshake messages in this turn. */
  #replies = 0;
  #turnEndedAt = 0;

  constructor(context: DeviceContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
    this.#strangerLimit = new StrangerLimit(context.entropy);
  }

  /** The number of source addresses that the rate limiter tracks. */
  get rateLimitedSources(): number {
    return this.#rateLimiter.size;
  }

  /** The number of handshake messages that wait for a later turn. */
  get waitingHandshakes(): number {
    return this.#strangers.length;
  }

  /**
   * Processes one datagram, decrypting `bytes` in place. `trafficClass` is that of the outer
   * packet. Handshake messages that this device did not ask for wait until endTurn().
   */
  handle(bytes: Uint8Array, source: Endpoint, trafficClass: number, now: number): void {
    switch (messageType(bytes)) {
      case MESSAGE_DATA:
        this.#handleData(bytes, source, trafficClass, now);
        break;
      case MESSAGE_INITIATION:
        this.#queue(bytes, source, now);
        break;
      case MESSAGE_RESPONSE:
        if (this.#isAwaited(bytes)) this.#handleHandshake(bytes, source, now);
        else this.#queue(bytes, source, now);
        break;
      case MESSAGE_COOKIE_REPLY:
        this.#handleCookieReply(bytes, now);
        break;
      default:
        this.#context.drops.count('malformed');
    }
  }

  /** Call this after the datagrams of a turn. Processes the turn's share of waiting messages. */
  endTurn(now: number): void {
    this.#replies = 0;
    if (this.#strangers.length === 0) return;
    this.#turnEndedAt = now;
    for (const { bytes, source } of this.#strangers.takeTurn()) {
      this.#handleHandshake(bytes, source, now);
    }
  }

  /** Ends a turn without datagrams if handshake messages wait. */
  handleTimeout(now: number): void {
    if (this.nextTimeout() <= now) this.endTurn(now);
  }

  nextTimeout(): number {
    return this.#strangers.length === 0 ? Infinity : this.#turnEndedAt + TURN_INTERVAL;
  }

  close(): void {
    this.#strangers.clear();
  }

  #queue(message: Uint8Array, source: Endpoint, now: number): void {
    const isRefused =
      this.#loadMeter.isUnderLoad(now) && !this.#strangerLimit.allow(source, hasMac2(message), now);
    if (isRefused || !this.#strangers.push(message, source)) {
      this.#context.drops.count('handshake-overload');
    }
  }

  /**
   * Whether a response is for the local initiation that waits for it. Its index is random, so that
   * a flood cannot use it. Someone who reads the index in the network could, so the number per turn
   * is limited.
   */
  #isAwaited(response: Uint8Array): boolean {
    const entry = this.#context.indices.lookup(readUint32(response, RESPONSE.receiverIndex));
    if (entry === undefined || entry.keypair !== undefined) return false;
    return entry.peer.handshake.awaitsResponse && this.#replies++ < STRANGERS_PER_TURN;
  }

  #handleHandshake(message: Uint8Array, source: Endpoint, now: number): void {
    if (!this.#admit(message, source, now)) return;
    if (messageType(message) === MESSAGE_INITIATION) this.#handleInitiation(message, source, now);
    else this.#handleResponse(message, source, now);
  }

  /** Whether a handshake message justifies a DH computation (§5.3). */
  #admit(message: Uint8Array, source: Endpoint, now: number): boolean {
    const { cookieChecker, drops, sink } = this.#context;
    if (!cookieChecker.hasValidMac1(message)) {
      drops.count('bad-mac1');
      return false;
    }
    if (!this.#loadMeter.messageArrived(now)) return true;
    if (!cookieChecker.hasValidMac2(message, source, now)) {
      drops.count('under-load');
      // The sender index is at the same offset in both messages.
      const senderIndex = readUint32(message, INITIATION.senderIndex);
      const reply = cookieChecker.createReply(message, senderIndex, source, now);
      sink.transmit(reply, source, HANDSHAKE_TRAFFIC_CLASS, false);
      return false;
    }
    if (this.#rateLimiter.allow(addressBytes(source), now)) {
      this.#strangerLimit.provedMac2();
      return true;
    }
    drops.count('rate-limited');
    return false;
  }

  #handleInitiation(message: Uint8Array, source: Endpoint, now: number): void {
    const { crypto, identity, peers, drops } = this.#context;
    const opened = openInitiation(crypto, identity, message);
    if (opened === undefined) {
      drops.count('bad-handshake');
      return;
    }
    const peer = peers.get(publicKeyText(opened.initiatorStatic));
    const refusal =
      peer === undefined ? 'unknown-peer' : peer.handshake.consumeInitiation(opened, message, now);
    if (peer === undefined || refusal !== undefined) {
      opened.noise.wipe();
      drops.count(refusal ?? 'unknown-peer');
      return;
    }
    this.#updateEndpoint(peer, source);
    this.#authenticatedReceived(peer, message.length, now);
    this.#sender.sendResponse(peer, source, now);
  }

  #handleResponse(message: Uint8Array, source: Endpoint, now: number): void {
    const { indices, drops } = this.#context;
    const entry = indices.lookup(readUint32(message, RESPONSE.receiverIndex));
    const peer = entry?.peer;
    if (peer === undefined || entry?.keypair !== undefined || !peer.handshake.awaitsResponse) {
      drops.count('unexpected-response');
      return;
    }
    if (!peer.handshake.consumeResponse(message)) {
      peer.responsesRejected++;
      peer.lastResponseRejected = now;
      drops.count('bad-handshake');
      return;
    }
    this.#updateEndpoint(peer, source);
    peer.handshakeRoundTrip = now - peer.handshake.initiationCreatedAt;
    this.#authenticatedReceived(peer, message.length, now);
    this.#sender.addSession(peer, now);
    this.#handshakeComplete(peer, now);
    // The responder must not send until it receives a message under the new keys (§5.4.5).
    this.#sender.sendKeepalive(peer, now);
  }

  /**
   * Leaves the endpoint unchanged, because a cookie reply proves only that its sender saw the
   * handshake message (§6.6).
   */
  #handleCookieReply(message: Uint8Array, now: number): void {
    const { indices, drops } = this.#context;
    const peer = indices.lookup(readUint32(message, COOKIE_REPLY.receiverIndex))?.peer;
    if (peer !== undefined && this.#replies++ >= STRANGERS_PER_TURN) {
      drops.count('handshake-overload');
      return;
    }
    if (peer === undefined || !peer.cookies.consumeReply(message, now)) drops.count('bad-cookie');
  }

  #handleData(message: Uint8Array, source: Endpoint, trafficClass: number, now: number): void {
    const { indices, drops, observer } = this.#context;
    const index = readIndex(message, DATA.receiverIndex);
    const entry = indices.lookup(index);
    const keypair = entry?.keypair;
    if (entry === undefined || keypair === undefined) {
      drops.count('unknown-session');
      if (indices.isStrange(index)) observer?.strangeIndex?.(source, now);
      return;
    }
    const counter = readCounter(message);
    // Sessions expire after REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES, in both directions (§6.2).
    if (!keypair.canReceive(now) || counter >= REJECT_AFTER_MESSAGES) {
      drops.count('expired-session');
      return;
    }
    const length = message.length - DATA.packet - TAG_LENGTH;
    if (!keypair.receiving.open(message, DATA.packet, length, counter)) {
      drops.count('bad-tag');
      return;
    }
    if (!keypair.replayWindow.accept(counter)) {
      drops.count('replayed');
      return;
    }
    this.#authenticatedData(entry.peer, keypair, source, now);
    this.#consumePacket(entry.peer, message, trafficClass, now);
  }

  #authenticatedData(peer: Peer, keypair: Keypair, source: Endpoint, now: number): void {
    this.#updateEndpoint(peer, source);
    peer.unansweredDataSince = undefined;
    peer.isSourceInDoubt = false;
    peer.timers.anyAuthenticatedPacketReceived();
    peer.timers.anyAuthenticatedPacketTraversal(now);
    if (peer.keypairs.received(keypair)) {
      // Since a session now exists, the response to an older initiation would only add another
      // session.
      peer.handshake.abandonInitiation(keypair.createdAt);
      this.#handshakeComplete(peer, now);
      this.#sender.sendStaged(peer, now);
    }
    this.#keepKeyFresh(peer, now);
  }

  /** Counts the message and delivers its packet, cut to the length in the packet's header. */
  #consumePacket(peer: Peer, message: Uint8Array, trafficClass: number, now: number): void {
    const { allowedIps, drops, sink } = this.#context;
    const end = message.length - TAG_LENGTH;
    if (end === DATA.packet) {
      // An empty packet is a keepalive (§6.5), which does not need a response.
      peer.rxBytes += message.length;
      peer.isAnsweredByKeepalives = peer.unreturnedPacketsSince !== undefined;
      return;
    }
    peer.timers.dataReceived(now);
    const length = innerPacketLength(message, DATA.packet, end);
    if (length === 0) {
      drops.count('malformed-packet');
      return;
    }
    // The source address must be routed to this peer. A longer prefix that contains the source may
    // belong to another peer (§2).
    const version = message[DATA.packet]! >> 4;
    const offset = DATA.packet + sourceOffset(version);
    if (allowedIps.lookupAt(message, offset, version === 4 ? 4 : 16) !== peer) {
      drops.count('wrong-source');
      return;
    }
    peer.rxBytes += message.length;
    peer.packetReturned();
    if (!decapsulateEcn(message, DATA.packet, trafficClass)) {
      drops.count('congestion');
      return;
    }
    sink.deliver(partOf(message, DATA.packet, DATA.packet + length), peer);
  }

  #authenticatedReceived(peer: Peer, length: number, now: number): void {
    peer.rxBytes += length;
    peer.isSourceInDoubt = false;
    peer.timers.anyAuthenticatedPacketReceived();
    peer.timers.anyAuthenticatedPacketTraversal(now);
  }

  /**
   * If the initiator only receives data, rekeys before the session expires, once per session
   * (§6.2).
   */
  #keepKeyFresh(peer: Peer, now: number): void {
    const keypair = peer.keypairs.current;
    if (peer.sentLastMinuteHandshake || !keypair?.isInitiator || !keypair.sendingValid) return;
    if (now - keypair.createdAt < REKEY_ON_RECEIVE_AFTER_TIME) return;
    peer.sentLastMinuteHandshake = true;
    this.#sender.beginHandshake(peer, now);
  }

  #handshakeComplete(peer: Peer, now: number): void {
    peer.timers.handshakeComplete();
    peer.handshakeBeganAt = undefined;
    peer.sentLastMinuteHandshake = false;
    peer.lastHandshakeAt = now;
    peer.lastHandshakeUnix = this.#context.wallClock.unixMilliseconds();
    this.#context.events.push({ type: 'handshake-complete', peer, now });
  }

  /** Sets the endpoint to the source of the last authenticated message (§2.1). */
  #updateEndpoint(peer: Peer, source: Endpoint): void {
    const known = peer.endpoint;
    if (known === source) return;
    if (known?.port === source.port && known.address === source.address) return;
    peer.endpoint = source;
    this.#context.events.push({ type: 'endpoint-changed', peer, endpoint: source });
  }
}
