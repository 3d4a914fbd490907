import type { IncomingHttpHeaders } from 'node:http';

/** One message that a service inside the tunnel received. */
export type Message = HttpMessage | RawMessage;

export interface HttpMessage extends MessageContent {
  readonly protocol: 'http';
  readonly method: string;
  /** The original request target, including its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A UDP datagram or one chunk from a TCP connection. */
export interface RawMessage extends MessageContent {
  readonly protocol: 'tcp' | 'udp';
}

interface MessageContent {
  readonly simId: string;
  /** The time at which the message was complete, in RFC 3339 format, in UTC. */
  readonly at: string;
  /** The stored part of the body, in the encoding that `bodyEncoding` specifies. */
  readonly body: string;
  readonly bodyEncoding: 'utf8' | 'base64';
  /** The length of the whole body in bytes, including any part that is not stored. */
  readonly bytes: number;
  /** Whether `body` contains only the beginning of the message body. */
  readonly truncated: boolean;
}

/** The maximum number of bytes to store of each body; bytes beyond it are only counted. */
export const KEPT_BODY_BYTES = 64 * 1024;

export interface MessageStoreLimits {
  /** The maximum number of stored messages for all SIMs together. */
  readonly messages: number;
  /** The maximum number of characters in stored bodies for all SIMs together. */
  readonly bodyCharacters: number;
}

const DEFAULT_LIMITS: MessageStoreLimits = { messages: 1000, bodyCharacters: 16 * 1024 * 1024 };

/** Stores the latest messages. At either limit, the oldest messages are dropped. */
export class MessageStore {
  readonly #limits: MessageStoreLimits;
  readonly #messages: Message[] = [];
  readonly #listeners = new Set<(message: Message) => void>();
  #bodyCharacters = 0;

  constructor(limits: MessageStoreLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#bodyCharacters += message.body.length;
    while (
      this.#messages.length > this.#limits.messages ||
      this.#bodyCharacters > this.#limits.bodyCharacters
    ) {
      this.#bodyCharacters -= this.#messages.shift()?.body.length ?? 0;
    }
    for (const listener of this.#listeners) listener(message);
  }

  /**
   * Calls `listener` with each further message. The listener must not throw.
   *
   * @returns a function that removes the listener
   */
  subscribe(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Returns the stored messages of one SIM, oldest first. */
  of(simId: string): Message[] {
    return this.#messages.filter((message) => message.simId === simId);
  }

  /** Returns all stored messages, oldest first. */
  all(): readonly Message[] {
    return this.#messages;
  }
}

/** Encodes a body for JSON: as a plain string if it is UTF-8, otherwise as base64. */
export function encodeBody(
  kept: Uint8Array,
  bytes: number,
): Pick<Message, 'body' | 'bodyEncoding' | 'bytes' | 'truncated'> {
  const truncated = bytes > kept.length;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    // Streaming mode drops a character that was split by truncation instead of throwing an error.
    const body = decoder.decode(kept, { stream: truncated });
    return { body, bodyEncoding: 'utf8', bytes, truncated };
  } catch {
    const body = Buffer.from(kept).toString('base64');
    return { body, bodyEncoding: 'base64', bytes, truncated };
  }
}
