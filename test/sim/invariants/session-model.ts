/**
 * The session that an end may send under, derived only from the messages: the sessions of
 * whitepaper 6.3, without reading the device.
 */
import {
  DATA as DATA_LAYOUT,
  RESPONSE as RESPONSE_LAYOUT,
  readUint32,
} from '../../../src/wireguard/messages.js';
import type { Received, Sent } from '../invariant.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';

const REJECT_AFTER_TIME = 180_000;

export interface Session {
  readonly isInitiator: boolean;
  readonly createdAt: number;
  /** The index that this end chose. */
  readonly localIndex: number;
  /** True if the single rekey on receive (6.2) was requested. */
  isAskedFor: boolean;
}

export class SessionModel {
  current: Session | undefined;
  /** The responder's session, until it receives a message of the initiator under it. */
  #next: Session | undefined;

  /** Called when the end has accepted a message. */
  received(message: Received, now: number): void {
    if (!message.isAccepted) return;
    if (message.type === RESPONSE) {
      const localIndex = readUint32(message.header, RESPONSE_LAYOUT.receiverIndex);
      this.current = { isInitiator: true, createdAt: now, localIndex, isAskedFor: false };
      this.#next = undefined;
    } else if (message.type === DATA) {
      const index = readUint32(message.header, DATA_LAYOUT.receiverIndex);
      if (index === this.#next?.localIndex) this.#confirm();
    }
  }

  #confirm(): void {
    this.current = this.#next;
    this.#next = undefined;
  }

  /** Called when the end has sent a message. */
  sent(message: Sent, now: number): void {
    if (message.type === INITIATION || message.type === DATA) return;
    const localIndex = readUint32(message.bytes, RESPONSE_LAYOUT.senderIndex);
    this.#next = { isInitiator: false, createdAt: now, localIndex, isAskedFor: false };
  }

  canSend(now: number): boolean {
    return this.current !== undefined && now - this.current.createdAt < REJECT_AFTER_TIME;
  }

  /**
   * The age of the session that this end initiated; undefined if the peer initiated it or none
   * exists.
   */
  ageAsInitiator(now: number): number | undefined {
    return this.current?.isInitiator ? now - this.current.createdAt : undefined;
  }

  discard(): void {
    this.current = this.#next = undefined;
  }
}
