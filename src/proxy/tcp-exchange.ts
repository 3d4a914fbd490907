/** Sends one message over a TCP connection and reads the response. */
import type { Duplex } from 'node:stream';

import { abortable } from '../lib/waits.js';
import type { Dialer, DialTarget } from './dialer.js';
import { Watchdog } from './watchdog.js';

/** A stream that reports unacknowledged bytes. */
export interface ConfirmingStream extends Duplex {
  /** The number of bytes written or queued that the peer has not acknowledged. */
  readonly unacknowledgedBytes: number;
}

/** A dialer whose streams report unacknowledged bytes. */
export interface ConfirmingDialer extends Dialer {
  dial(target: DialTarget, signal?: AbortSignal): Promise<ConfirmingStream>;
}

export interface TcpExchangeLimits {
  /** How long to wait for the first byte of the response, in milliseconds. */
  readonly timeout: number;
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * On an open connection, a response counts as complete after this many milliseconds without a byte.
 */
const QUIET = 1_000;

/** How long to wait after the local FIN for the peer's remaining bytes or FIN, in milliseconds. */
const LINGER = 1_000;

/** A response must be complete within this many milliseconds after its first byte. */
const WHOLE_ANSWER = 60_000;

/**
 * Dials the target, sends the message once, and reads until the peer ends the connection, falls
 * silent after a response, or times out. Keeps the local half open until then, because a service
 * may treat the local FIN as the end of the conversation and drop the response.
 *
 * @returns undefined if the message was delivered and no response arrived
 * @throws DialError if the connection fails; Error if it breaks, if the peer does not acknowledge
 * the message, or if the response is too large or does not end
 */
export async function exchangeTcp(
  dialer: ConfirmingDialer,
  target: DialTarget,
  message: Uint8Array,
  limits: TcpExchangeLimits,
): Promise<Uint8Array | undefined> {
  const stream = await dialer.dial(target, limits.signal);
  try {
    return await abortable<Uint8Array | undefined>(limits.signal, (resolve, reject) => {
      const exchange = new TcpExchange(stream, limits, { resolve, reject });
      exchange.start(message);
      return () => exchange.stop();
    });
  } finally {
    stream.on('error', () => undefined).destroy();
  }
}

interface Outcome {
  readonly resolve: (answer: Uint8Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

class TcpExchange {
  readonly #stream: ConfirmingStream;
  readonly #limits: TcpExchangeLimits;
  readonly #outcome: Outcome;
  readonly #silence = new Watchdog(() => this.#handleSilence());
  readonly #whole = new Watchdog(() => this.#fail('the response was not complete in time'));
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #settled = false;

  constructor(stream: ConfirmingStream, limits: TcpExchangeLimits, outcome: Outcome) {
    this.#stream = stream;
    this.#limits = limits;
    this.#outcome = outcome;
  }

  start(message: Uint8Array): void {
    // The stream was reset right after the dial, so it does not emit any more events.
    if (this.#stream.destroyed) {
      this.#handleError(this.#stream.errored ?? new Error('the connection was closed'));
      return;
    }
    this.#stream
      .on('data', (chunk: Uint8Array) => this.#handleData(chunk))
      .on('end', () => this.#handleEnd())
      .on('error', (error) => this.#handleError(error));
    this.#silence.arm(this.#limits.timeout);
    this.#stream.write(message);
  }

  stop(): void {
    this.#settled = true;
    this.#silence.stop();
    this.#whole.stop();
  }

  #handleData(chunk: Uint8Array): void {
    if (this.#settled) return;
    if (this.#chunks.length === 0) this.#whole.arm(WHOLE_ANSWER);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > this.#limits.maxAnswerBytes) {
      this.#fail(`the response is larger than ${this.#limits.maxAnswerBytes} bytes`);
    } else this.#silence.arm(QUIET);
  }

  /**
   * Ends the local half when the peer first falls silent, and the exchange when it falls silent
   * again.
   */
  #handleSilence(): void {
    if (this.#ended) this.#finish();
    // Closing now would discard any data that was written to TCP but not delivered.
    else if (this.#isUndelivered()) this.#fail('the message was not acknowledged in time');
    else this.#end();
  }

  #handleEnd(): void {
    if (this.#settled) return;
    if (!this.#isUndelivered()) this.#finish();
    else if (!this.#ended) this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#stream.end();
    this.#silence.arm(LINGER);
  }

  #isUndelivered(): boolean {
    return this.#size === 0 && this.#stream.unacknowledgedBytes > 0;
  }

  #finish(): void {
    if (this.#isUndelivered()) {
      this.#fail('the other side closed the connection without accepting the message');
      return;
    }
    const answer = this.#size === 0 ? undefined : Buffer.concat(this.#chunks);
    this.#outcome.resolve(answer);
  }

  #handleError(error: Error): void {
    // A reset in reply to the local FIN does not invalidate a response that was received earlier.
    if (this.#ended && this.#size > 0) this.#finish();
    else this.#outcome.reject(error);
  }

  #fail(text: string): void {
    this.#outcome.reject(new Error(text));
  }
}
