/**
 * Sends all messages: initiations, responses, packets and keepalives (whitepaper 5.4, 6.1, 6.2,
 * 6.5). Decides when to rekey; timers.ts triggers messages when timers expire.
 */
import { messageInSlot, PACKET_HEADROOM, PACKET_TAILROOM } from '../../lib/packets/packet-slot.js';
import { secretBytes } from '../../lib/secrets/secret-bytes.js';
import { ecnAt, NOT_ECT } from '../../wire/traffic-class.js';
import {
  HANDSHAKE_TRAFFIC_CLASS,
  KEY_LENGTH,
  REKEY_AFTER_MESSAGES,
  REKEY_AFTER_TIME,
  REKEY_TIMEOUT,
} from '../constants.js';
import type { DeviceContext } from '../context.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Keypair } from './keypair.js';
import {
  INITIATION,
  MESSAGE_INITIATION,
  messageType,
  readUint32,
  writeDataHeader,
} from '../messages.js';
import { paddedLength } from './inner-packet.js';
import type { Peer } from '../peer.js';
import type { TimerHandler } from '../timers.js';

export class Sender implements TimerHandler<Peer> {
  readonly #context: DeviceContext;

  constructor(context: DeviceContext) {
    this.#context = context;
  }

  /** Begins a handshake for a packet or a rekeying rule. Resets the number of attempts (§6.4). */
  beginHandshake(peer: Peer, now: number): void {
    // If the last handshake gave up, measure the peer's silence from the start of the new
    // handshake.
    if (peer.timers.hasGivenUp) peer.handshakeBeganAt = undefined;
    peer.timers.handshakeWanted();
    this.#sendInitiation(peer, now);
  }

  /**
   * Like beginHandshake(), but if an initiation is not allowed yet (§6.1), a timer sends it later,
   * so that waiting packets do not get stuck.
   */
  beginHandshakeSoon(peer: Peer, now: number): void {
    this.beginHandshake(peer, now);
    if (now - peer.lastSentHandshake < REKEY_TIMEOUT) peer.timers.handshakeDelayed(now);
  }

  /**
   * Marks the source address as doubtful before a retry, as Linux does
   * (wg_socket_clear_peer_endpoint_src).
   */
  doubtSource(peer: Peer): void {
    peer.isSourceInDoubt = true;
  }

  retryHandshake(peer: Peer, now: number): void {
    this.#sendInitiation(peer, now);
  }

  giveUpHandshake(peer: Peer): void {
    this.#context.drops.count('staged-purged', peer.staged.clear());
    this.#context.events.push({ type: 'handshake-gave-up', peer });
  }

  zeroKeyMaterial(peer: Peer): void {
    peer.zeroKeyMaterial();
  }

  #sendInitiation(peer: Peer, now: number): void {
    // Send at most one initiation per REKEY_TIMEOUT. A response counts as an initiation (§6.1).
    if (now - peer.lastSentHandshake < REKEY_TIMEOUT) return;
    const context = this.#context;
    if (!peer.handshake.isPossible) {
      context.drops.count('low-order-key');
      return;
    }
    if (peer.chooseEndpoint !== undefined) {
      // Measure the peer's silence from now, even if the initiation is held back.
      peer.handshakeBeganAt ??= now;
      const endpoint = peer.chooseEndpoint(now);
      if (endpoint === undefined) return;
      peer.endpoint = endpoint;
    }
    if (peer.endpoint === undefined) {
      context.drops.count('no-endpoint');
      return;
    }
    peer.lastSentInitiation = now;
    const index = context.indices.allocate(peer);
    const wallTime = context.wallClock.unixMilliseconds();
    const message = peer.handshake.createInitiation(this.#ephemeral(), index, wallTime, now);
    if (message === undefined) {
      context.drops.count('low-order-key');
      return;
    }
    peer.handshakeBeganAt ??= now;
    // Save the timestamp first: after a crash, the next process must not send an earlier timestamp.
    const stamp = peer.handshake.lastSentTimestamp;
    if (stamp !== undefined) context.observer?.timestamp?.(stamp);
    this.#sendHandshakeMessage(peer, message, peer.endpoint, now);
    peer.timers.handshakeInitiated(now);
  }

  /** Replaces an initiation that could not be sent. Returns false for any other message. */
  initiationNotSent(message: Uint8Array, now: number): boolean {
    if (messageType(message) !== MESSAGE_INITIATION) return false;
    const entry = this.#context.indices.lookup(readUint32(message, INITIATION.senderIndex));
    if (entry === undefined || entry.keypair !== undefined) return false;
    const { peer } = entry;
    if (!peer.handshake.awaitsResponse) return false;
    peer.txBytes -= message.length;
    peer.lastSentHandshake = -Infinity;
    this.#sendInitiation(peer, now);
    return true;
  }

  /** Responds to the initiation that the peer's handshake has accepted. */
  sendResponse(peer: Peer, endpoint: Endpoint, now: number): void {
    const { indices, drops } = this.#context;
    peer.lastSentResponse = now;
    const message = peer.handshake.createResponse(this.#ephemeral(), indices.allocate(peer));
    if (message === undefined) {
      drops.count('bad-handshake');
      return;
    }
    this.addSession(peer, now);
    this.#sendHandshakeMessage(peer, message, endpoint, now);
  }

  /** Turns the completed handshake into a session. */
  addSession(peer: Peer, now: number): void {
    const keypair = peer.handshake.beginSession(now);
    this.#context.indices.promote(keypair.localIndex, keypair);
    peer.keypairs.add(keypair);
    peer.timers.sessionDerived(now);
  }

  /**
   * Sends the staged packets, or an empty packet if none are staged. Without a session, begins a
   * handshake.
   */
  sendKeepalive(peer: Peer, now: number): void {
    if (peer.staged.length > 0) {
      this.sendStaged(peer, now);
      return;
    }
    const keypair = peer.keypairs.current;
    if (!keypair?.canSend(now)) {
      this.beginHandshake(peer, now);
      return;
    }
    this.#seal(peer, keypair, new Uint8Array(PACKET_HEADROOM + PACKET_TAILROOM), now);
    this.#keepKeyFresh(peer, now);
  }

  /** See Device.refreshSession(). */
  refreshSession(peer: Peer, now: number): void {
    if (peer.hasSession(now)) {
      this.#keepKeyFresh(peer, now);
      return;
    }
    // The limit (§6.1) includes responses only to keep two handshakes from crossing. Ignore the
    // last response here: it may have answered an old initiation that waited in the socket during a
    // sleep.
    if (now - peer.lastSentInitiation >= REKEY_TIMEOUT) peer.lastSentResponse = -Infinity;
    this.beginHandshakeSoon(peer, now);
  }

  /** Sends a packet, after all staged ones. Without a session, stages it. */
  send(peer: Peer, slot: Uint8Array, now: number): void {
    const keypair = peer.keypairs.current;
    if (peer.staged.length === 0 && keypair?.canSend(now)) {
      this.#seal(peer, keypair, slot, now);
      this.#keepKeyFresh(peer, now);
      return;
    }
    if (!peer.staged.push(slot)) this.#context.drops.count('staged-overflow');
    this.sendStaged(peer, now);
  }

  sendStaged(peer: Peer, now: number): void {
    while (peer.staged.length > 0) {
      const keypair = peer.keypairs.current;
      if (!keypair?.canSend(now)) {
        this.beginHandshakeSoon(peer, now);
        return;
      }
      this.#seal(peer, keypair, peer.staged.shift()!, now);
      this.#keepKeyFresh(peer, now);
    }
  }

  /** Encrypts a packet in place, inside its slot, and sends it (§5.4.6). */
  #seal(peer: Peer, keypair: Keypair, slot: Uint8Array, now: number): void {
    const endpoint = peer.endpoint;
    if (endpoint === undefined) {
      this.#context.drops.count('no-endpoint');
      return;
    }
    const length = slot.length - PACKET_HEADROOM - PACKET_TAILROOM;
    const padded = paddedLength(length, this.#context.mtu);
    if (padded > length) slot.fill(0, PACKET_HEADROOM + length, PACKET_HEADROOM + padded);
    // ECN follows RFC 6040 4.1, normal mode. The inner DSCP is not copied, because it reveals the
    // kind of traffic.
    const trafficClass = length > 0 ? ecnAt(slot, PACKET_HEADROOM) : NOT_ECT;
    // A counter value must be used only once, so increment the counter before anything can fail.
    const counter = keypair.sendingCounter++;
    writeDataHeader(slot, keypair.remoteIndex, counter);
    keypair.sending.seal(slot, PACKET_HEADROOM, padded, counter);
    this.#transmit(peer, messageInSlot(slot, padded), endpoint, trafficClass, now);
    if (length > 0) {
      peer.unansweredDataSince ??= now;
      peer.unreturnedPacketsSince ??= now;
      peer.lastPacketSentAt = now;
      peer.timers.dataSent(now);
    }
  }

  /** Rekeys if the initiator's key is old, or in either role after too many messages (§6.2). */
  #keepKeyFresh(peer: Peer, now: number): void {
    const keypair = peer.keypairs.current;
    if (keypair === undefined) return;
    const isOld = keypair.isInitiator && now - keypair.createdAt >= REKEY_AFTER_TIME;
    if (isOld || keypair.sendingCounter > REKEY_AFTER_MESSAGES) this.beginHandshake(peer, now);
  }

  #sendHandshakeMessage(peer: Peer, message: Uint8Array, endpoint: Endpoint, now: number): void {
    peer.cookies.addMacs(message, now);
    this.#transmit(peer, message, endpoint, HANDSHAKE_TRAFFIC_CLASS, now);
  }

  #transmit(
    peer: Peer,
    message: Uint8Array,
    endpoint: Endpoint,
    trafficClass: number,
    now: number,
  ): void {
    peer.timers.anyAuthenticatedPacketTraversal(now);
    peer.timers.anyAuthenticatedPacketSent();
    peer.txBytes += message.length;
    this.#context.sink.transmit(message, endpoint, trafficClass, peer.isSourceInDoubt);
    peer.isSourceInDoubt = false;
  }

  #ephemeral(): Uint8Array {
    const key = secretBytes(KEY_LENGTH);
    this.#context.entropy.fill(key);
    this.#context.observer?.ephemeralKey?.(key);
    return key;
  }
}
