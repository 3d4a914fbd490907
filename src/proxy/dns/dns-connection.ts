/** A client's TCP connection to the DNS listener (RFC 1035 4.2.2, RFC 7766). */
import type { Duplex } from 'node:stream';

import type { Clock, Timer } from '../../ports/clock.js';
import type { DnsForwarder } from './dns-forwarder.js';
import { LENGTH_FIELD, withLength } from './dns-message.js';

/** The maximum number of queries of one connection that are answered at the same time. */
const MAX_IN_FLIGHT = 8;

/**
 * A connection closes after this many milliseconds in which no query arrived completely and no
 * response was sent (RFC 7766 6.2.3), which also ends clients that send or read too slowly.
 */
const IDLE_TIMEOUT = 10_000;

export interface DnsConnectionOptions {
  readonly forwarder: Pick<DnsForwarder, 'answer'>;
  readonly clock: Pick<Clock, 'startTimer'>;
  /** Called with each complete query. */
  readonly onUse: () => void;
}

export class DnsConnection {
  readonly #socket: Duplex;
  readonly #options: DnsConnectionOptions;
  readonly #received = new MessageReader();
  #inFlight = 0;
  #hasEnded = false;
  #idle: Timer;

  constructor(socket: Duplex, options: DnsConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#idle = this.#startIdle();
    socket.on('data', (chunk: Buffer) => {
      this.#received.add(chunk);
      this.#readQueries();
    });
    socket.on('drain', () => {
      this.#readQueries();
      this.#finish();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#finish();
    });
    // A client that disconnects does not need responses.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#idle.cancel());
  }

  /** Whether queries are being answered. */
  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  close(): void {
    this.#socket.destroy();
  }

  #readQueries(): void {
    const socket = this.#socket;
    while (!this.#isFull) {
      const message = this.#received.take();
      if (message === undefined) break;
      this.#touch();
      void this.#answer(message);
    }
    if (this.#isFull) socket.pause();
    else socket.resume();
  }

  /** Whether further queries must wait, because responses are pending or unread. */
  get #isFull(): boolean {
    return this.#inFlight >= MAX_IN_FLIGHT || this.#socket.writableNeedDrain;
  }

  async #answer(message: Buffer): Promise<void> {
    this.#inFlight++;
    this.#options.onUse();
    const response = await this.#options.forwarder.answer(message, 'tcp');
    this.#inFlight--;
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (response === undefined) {
      // A client that sends invalid messages may have lost the message boundaries.
      socket.destroy();
      return;
    }
    socket.write(withLength(response), () => this.#touch());
    this.#readQueries();
    this.#finish();
  }

  /** Closes this side after the client has closed its side and has all responses. */
  #finish(): void {
    const isDone = this.#inFlight === 0 && !this.#received.hasMessage;
    if (this.#hasEnded && isDone) this.#socket.end();
  }

  #touch(): void {
    this.#idle.cancel();
    if (!this.#socket.destroyed) this.#idle = this.#startIdle();
  }

  #startIdle(): Timer {
    return this.#options.clock.startTimer(IDLE_TIMEOUT, () => this.#socket.destroy());
  }
}

/** Splits a stream into messages. Holds at most one incomplete message and one chunk. */
class MessageReader {
  #chunks: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // The length field may be split between chunks.
    if (this.#chunks.length === 2 && this.#size - chunk.length < LENGTH_FIELD) this.#join();
  }

  get hasMessage(): boolean {
    return this.#size >= this.#end;
  }

  /** Returns the next complete message; undefined if more bytes are needed. */
  take(): Buffer | undefined {
    if (!this.hasMessage) return undefined;
    const received = this.#join();
    const end = this.#end;
    const rest = received.subarray(end);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return received.subarray(LENGTH_FIELD, end);
  }

  /** The length of the next message with its length field, as far as known. */
  get #end(): number {
    const [first] = this.#chunks;
    if (first === undefined || first.length < LENGTH_FIELD) return LENGTH_FIELD;
    return LENGTH_FIELD + first.readUInt16BE(0);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    // Do not copy a chunk of many messages once for each of them.
    const joined = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
