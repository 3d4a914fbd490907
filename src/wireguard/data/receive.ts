/**
 * Everything that comes in (whitepaper 5.4, 6.2, 6.5). Nothing is ever answered that has no valid
 * mac1 (5.1), nothing throws, and what is refused is counted.
 */
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
  readUint32,
} from '../messages.js';
import type { Peer } from '../peer.js';
import { RateLimiter } from '../handshake/rate-limiter.js';
import { addressBytes } from '../handshake/cookie.js';
import type { Sender } from './send.js';

export class Receiver {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #loadMeter = new LoadMeter();
  readonly #rateLimiter = new RateLimiter();

  constructor(context: DeviceContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
  }

  /** Source addresses that the rate limiter remembers. */
  get rateLimitedSources(): number {
    return this.#rateLimiter.size;
  }

  /** Handles one datagram. `bytes` is decrypted in place; `trafficClass` is that of the datagram. */
  handle(bytes: Uint8Array, source: Endpoint, trafficClass: number, now: number): void {
    switch (messageType(bytes)) {
      case MESSAGE_DATA:
        this.#handleData(bytes, source, trafficClass, now);
        break;
      case MESSAGE_INITIATION:
        if (this.#admit(bytes, source, now)) this.#handleInitiation(bytes, source, now);
        break;
      case MESSAGE_RESPONSE:
        if (this.#admit(bytes, source, now)) this.#handleResponse(bytes, source, now);
        break;
      case MESSAGE_COOKIE_REPLY:
        this.#handleCookieReply(bytes, now);
        break;
      default:
        this.#context.drops.drop('malformed');
    }
  }

  /** Whether a handshake message may cost us a DH (5.3). */
  #admit(message: Uint8Array, source: Endpoint, now: number): boolean {
    const { cookieChecker, drops, sink } = this.#context;
    if (!cookieChecker.hasValidMac1(message)) {
      drops.drop('bad-mac1');
      return false;
    }
    if (!this.#loadMeter.messageArrived(now)) return true;
    if (!cookieChecker.hasValidMac2(message, source, now)) {
      drops.drop('under-load');
      // The sender's index stands at the same place in both messages.
      const senderIndex = readUint32(message, INITIATION.senderIndex);
      const reply = cookieChecker.createReply(message, senderIndex, source, now);
      sink.transmit(reply, source, HANDSHAKE_TRAFFIC_CLASS, false);
      return false;
    }
    if (this.#rateLimiter.allow(addressBytes(source), now)) return true;
    drops.drop('rate-limited');
    return false;
  }

  #handleInitiation(message: Uint8Array, source: Endpoint, now: number): void {
    const { crypto, identity, peers, drops } = this.#context;
    const opened = openInitiation(crypto, identity, message);
    if (opened === undefined) {
      drops.drop('bad-handshake');
      return;
    }
    const peer = peers.get(publicKeyText(opened.initiatorStatic));
    const refusal =
      peer === undefined ? 'unknown-peer' : peer.handshake.consumeInitiation(opened, message, now);
    if (peer === undefined || refusal !== undefined) {
      opened.noise.wipe();
      drops.drop(refusal ?? 'unknown-peer');
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
      drops.drop('unexpected-response');
      return;
    }
    if (!peer.handshake.consumeResponse(message)) {
      peer.responsesRejected++;
      peer.lastResponseRejected = now;
      drops.drop('bad-handshake');
      return;
    }
    this.#updateEndpoint(peer, source);
    peer.handshakeRoundTrip = now - peer.handshake.initiationCreatedAt;
    this.#authenticatedReceived(peer, message.length, now);
    this.#sender.addSession(peer, now);
    this.#handshakeComplete(peer, now);
    // The responder may not send before it has heard from us under the new keys (5.4.5).
    this.#sender.sendKeepalive(peer, now);
  }

  /** Does not touch the endpoint: a cookie reply proves no session, only that ours was seen (6.6). */
  #handleCookieReply(message: Uint8Array, now: number): void {
    const { indices, drops } = this.#context;
    const peer = indices.lookup(readUint32(message, COOKIE_REPLY.receiverIndex))?.peer;
    if (peer === undefined || !peer.cookies.consumeReply(message, now)) drops.drop('bad-cookie');
  }

  #handleData(message: Uint8Array, source: Endpoint, trafficClass: number, now: number): void {
    const { indices, drops, observer } = this.#context;
    const index = readUint32(message, DATA.receiverIndex);
    const entry = indices.lookup(index);
    const keypair = entry?.keypair;
    if (entry === undefined || keypair === undefined) {
      drops.drop('unknown-session');
      if (indices.isStrange(index)) observer?.strangeIndex?.(source, now);
      return;
    }
    const counter = readCounter(message);
    // 6.2: neither after REJECT_AFTER_TIME nor after REJECT_AFTER_MESSAGES, in either direction.
    if (!keypair.canReceive(now) || counter >= REJECT_AFTER_MESSAGES) {
      drops.drop('expired-session');
      return;
    }
    if (!keypair.receiving.open(message, DATA.packet, message.length - DATA.packet, counter)) {
      drops.drop('bad-tag');
      return;
    }
    if (!keypair.replayWindow.accept(counter)) {
      drops.drop('replayed');
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
      // A session stands; the response to an initiation from before would only make another.
      peer.handshake.abandonInitiation(keypair.createdAt);
      this.#handshakeComplete(peer, now);
      this.#sender.sendStaged(peer, now);
    }
    this.#keepKeyFresh(peer, now);
  }

  /** Counts the message and hands its packet up, trimmed to the length that its header claims. */
  #consumePacket(peer: Peer, message: Uint8Array, trafficClass: number, now: number): void {
    const { allowedIps, drops, sink } = this.#context;
    const end = message.length - TAG_LENGTH;
    if (end === DATA.packet) {
      // An empty packet is a keepalive (6.5); it asks for no answer.
      peer.rxBytes += message.length;
      peer.isAnsweredByKeepalives = peer.unreturnedPacketsSince !== undefined;
      return;
    }
    peer.timers.dataReceived(now);
    const length = innerPacketLength(message, DATA.packet, end);
    if (length === 0) {
      drops.drop('malformed-packet');
      return;
    }
    // 2: the source must be routed to this very peer, not merely lie in one of its prefixes.
    const version = message[DATA.packet]! >> 4;
    const offset = DATA.packet + sourceOffset(version);
    if (allowedIps.lookupAt(message, offset, version === 4 ? 4 : 16) !== peer) {
      drops.drop('wrong-source');
      return;
    }
    peer.rxBytes += message.length;
    peer.packetReturned();
    if (!decapsulateEcn(message, DATA.packet, trafficClass)) {
      drops.drop('congestion');
      return;
    }
    sink.deliver(message.subarray(DATA.packet, DATA.packet + length), peer);
  }

  #authenticatedReceived(peer: Peer, length: number, now: number): void {
    peer.rxBytes += length;
    peer.isSourceInDoubt = false;
    peer.timers.anyAuthenticatedPacketReceived();
    peer.timers.anyAuthenticatedPacketTraversal(now);
  }

  /** 6.2: an initiator that only receives rekeys before the key is refused, once per session. */
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

  /** 2.1: the peer is where its last authentic message came from. */
  #updateEndpoint(peer: Peer, source: Endpoint): void {
    const known = peer.endpoint;
    if (known === source) return;
    if (known?.port === source.port && known.address === source.address) return;
    peer.endpoint = source;
    this.#context.events.push({ type: 'endpoint-changed', peer, endpoint: source });
  }
}
