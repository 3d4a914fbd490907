/**
 * What the kernel's counters of a peer say about its silence. The kernel counts only messages that
 * it could send and authentic messages that it received.
 */
import type { KernelPeer } from '../../ports/kernel-wireguard.js';
import { SILENCE } from '../server/silence-watch.js';

/** The sizes in bytes of handshake messages and of a keepalive (whitepaper 5.4). */
const INITIATION_LENGTH = 148;
const RESPONSE_LENGTH = 92;
const KEEPALIVE_LENGTH = 32;

/** REJECT_AFTER_TIME of whitepaper 6.1 in milliseconds: how long a session lasts. */
const SESSION_TIME = 180_000;

/** REKEY_TIMEOUT with its jitter, after which the kernel sends the next initiation. */
export const ATTEMPT_TIME = 5_500;
/** The average time between two initiations. */
const AVERAGE_ATTEMPT = 5_167;

export interface CounterChange {
  /** Whether a handshake has been completed. */
  readonly isComplete: boolean;
  /** Whether the peer has sent anything. */
  readonly isHeard: boolean;
  readonly isSent: boolean;
}

export class KernelCounters {
  #sentBytes: number;
  #receivedBytes: number;
  #handshakeUnix: number | undefined;
  #handshakeAt = -Infinity;
  /** When the first message that needs a reply was sent since the peer was last heard from. */
  #unansweredSince: number | undefined;
  /** The time of the first packet since the last data message from the peer. */
  #dataSince: number | undefined;
  /** Whether a packet was sent since the last handshake. */
  #isDataSent = false;
  /** When the counters last changed, and the keepalive interval that the kernel uses. */
  #movedAt = -Infinity;
  #keepalive: number | undefined;

  /** @param peer the counters at the start; undefined for a new peer */
  constructor(peer: KernelPeer | undefined) {
    this.#sentBytes = peer?.sentBytes ?? 0;
    this.#receivedBytes = peer?.receivedBytes ?? 0;
    this.#handshakeUnix = peer?.latestHandshakeUnix;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get hasHandshake(): boolean {
    return this.#handshakeAt !== -Infinity;
  }

  /** Compares the peer's counters with the last ones. */
  observe(peer: KernelPeer, now: number): CounterChange {
    const { latestHandshakeUnix } = peer;
    // The counters restart if `wg` removes the peer and adds it again.
    const isComplete =
      latestHandshakeUnix !== undefined && latestHandshakeUnix !== this.#handshakeUnix;
    const received = peer.receivedBytes - this.#receivedBytes;
    const sent = peer.sentBytes - this.#sentBytes;
    const isHeard = isComplete || received > 0;
    const isMoved = sent !== 0 || isHeard || peer.persistentKeepalive !== this.#keepalive;
    if (isMoved) this.#movedAt = now;
    this.#keepalive = peer.persistentKeepalive;
    this.#sentBytes = peer.sentBytes;
    this.#receivedBytes = peer.receivedBytes;
    this.#handshakeUnix = latestHandshakeUnix;
    if (isComplete) this.#completed(now);
    if (isHeard) this.#unansweredSince = undefined;
    else if (sent > KEEPALIVE_LENGTH) this.#unansweredSince ??= now;
    if (received > (isComplete ? RESPONSE_LENGTH : 0)) this.#dataSince = undefined;
    else if (this.hasSession(now) && !isComplete && isData(sent)) {
      this.#dataSince ??= now;
      this.#isDataSent = true;
    }
    return { isComplete, isHeard, isSent: sent > 0 };
  }

  /** Whether a session exists that the kernel may use. */
  hasSession(now: number): boolean {
    return now - this.#handshakeAt < SESSION_TIME;
  }

  /** Whether a message of the last handshake or session still needs a reply. */
  get isUnanswered(): boolean {
    return this.#unansweredSince !== undefined;
  }

  /** Whether a message has been unanswered for so long that a reply is overdue. */
  isSilent(now: number): boolean {
    return this.#unansweredSince !== undefined && now - this.#unansweredSince >= SILENCE;
  }

  /** Whether a reply to packets is overdue, even if the peer answers handshakes. */
  isDataMissing(now: number): boolean {
    const since = this.#dataSince;
    return this.#isDataSent && since !== undefined && now - since >= SILENCE;
  }

  /**
   * For how many milliseconds a handshake has been unanswered; undefined if none is running. During
   * a session, the kernel starts a handshake after 15 s without a reply to a packet.
   */
  unansweredFor(now: number): number | undefined {
    if (this.#unansweredSince === undefined) return undefined;
    const age = now - this.#unansweredSince - (this.hasSession(now) ? SILENCE : 0);
    return age < 0 ? undefined : age;
  }

  /** The number of unanswered initiations. */
  initiations(now: number): number {
    return 1 + Math.floor((this.unansweredFor(now) ?? 0) / AVERAGE_ATTEMPT);
  }

  /** Whether the kernel has not sent a keepalive that is due. Its timers are up to 12.5 % late. */
  isKeepaliveOverdue(now: number): boolean {
    const interval = (this.#keepalive ?? 0) * 1000;
    return interval > 0 && now - this.#movedAt >= interval * 1.25 + ATTEMPT_TIME;
  }

  /** Counts a new session as a reply to packets, unless that reply is already overdue. */
  #completed(now: number): void {
    this.#handshakeAt = now;
    this.#isDataSent = false;
    if (this.#dataSince !== undefined && now - this.#dataSince < SILENCE) {
      this.#dataSince = undefined;
    }
  }
}

/** Whether sent bytes contain packets, rather than an initiation, a keepalive, or both. */
function isData(sent: number): boolean {
  return (
    sent > KEEPALIVE_LENGTH &&
    sent !== INITIATION_LENGTH &&
    sent !== INITIATION_LENGTH + KEEPALIVE_LENGTH
  );
}
