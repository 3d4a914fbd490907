/**
 * Which session an end may send under, told from the messages alone: the sessions of whitepaper 6.3
 * without a look into the device.
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
  /** The index that the end itself chose. */
  readonly localIndex: number;
  /** The one rekey on receive (6.2) was asked for. */
  isAskedFor: boolean;
}

export class SessionModel {
  current: Session | undefined;
  /** The responder's, until the initiator is heard under it. */
  #next: Session | undefined;

  /** The end has taken in a message. */
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

  /** The end has sent a message. */
  sent(message: Sent, now: number): void {
    if (message.type === INITIATION || message.type === DATA) return;
    const localIndex = readUint32(message.bytes, RESPONSE_LAYOUT.senderIndex);
    this.#next = { isInitiator: false, createdAt: now, localIndex, isAskedFor: false };
  }

  canSend(now: number): boolean {
    return this.current !== undefined && now - this.current.createdAt < REJECT_AFTER_TIME;
  }

  /** The age of the session that the end began itself; undefined for another's or none. */
  ageAsInitiator(now: number): number | undefined {
    return this.current?.isInitiator ? now - this.current.createdAt : undefined;
  }

  discard(): void {
    this.current = this.#next = undefined;
  }
}
