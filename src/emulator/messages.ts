import type { IncomingHttpHeaders } from 'node:http';

/** One message that a service behind the tunnel has received. */
export type Message = HttpMessage | RawMessage;

export interface HttpMessage extends MessageContent {
  readonly protocol: 'http';
  readonly method: string;
  /** The request target as it came, with its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A datagram, or what came in one piece of a connection. */
export interface RawMessage extends MessageContent {
  readonly protocol: 'tcp' | 'udp';
}

interface MessageContent {
  readonly simId: string;
  /** When it was complete, as an RFC 3339 time in UTC. */
  readonly at: string;
  /** The kept part of the body, in `bodyEncoding`. */
  readonly body: string;
  readonly bodyEncoding: 'utf8' | 'base64';
  /** The length of the whole body in bytes, kept or not. */
  readonly bytes: number;
  /** Whether `body` is only the beginning. */
  readonly truncated: boolean;
}

/** Of each body so many bytes are kept; the rest is counted. */
export const KEPT_BODY_BYTES = 64 * 1024;

export interface MessageStoreLimits {
  /** Messages kept, over all SIMs. */
  readonly messages: number;
  /** Characters of bodies kept, over all SIMs. */
  readonly bodyCharacters: number;
}

const DEFAULT_LIMITS: MessageStoreLimits = { messages: 1000, bodyCharacters: 16 * 1024 * 1024 };

/** The newest messages. Beyond either limit the oldest one is forgotten. */
export class MessageStore {
  readonly #limits: MessageStoreLimits;
  readonly #messages: Message[] = [];
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
  }

  /** The kept messages of one SIM, the oldest first. */
  of(simId: string): Message[] {
    return this.#messages.filter((message) => message.simId === simId);
  }

  /** All kept messages, the oldest first. */
  all(): readonly Message[] {
    return this.#messages;
  }
}

/** A body as JSON can carry it: text where it is UTF-8, base64 where it is not. */
export function encodeBody(
  kept: Uint8Array,
  bytes: number,
): Pick<Message, 'body' | 'bodyEncoding' | 'bytes' | 'truncated'> {
  const truncated = bytes > kept.length;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    // As a stream, so that a character which the cut has split is left out and is no error.
    const body = decoder.decode(kept, { stream: truncated });
    return { body, bodyEncoding: 'utf8', bytes, truncated };
  } catch {
    const body = Buffer.from(kept).toString('base64');
    return { body, bodyEncoding: 'base64', bytes, truncated };
  }
}
