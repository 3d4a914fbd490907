/** One message over a TCP connection, and what comes back. */
import type { Duplex } from 'node:stream';

import { abortable } from '../lib/waits.js';
import type { Dialer, DialTarget } from './dialer.js';
import { Watchdog } from './watchdog.js';

/** A stream that knows what the other side has of it. */
export interface ConfirmingStream extends Duplex {
  /** Bytes written, or waiting to be, that the other side has not acknowledged. */
  readonly unacknowledgedBytes: number;
}

/** A dialer of streams that know what has arrived. */
export interface ConfirmingDialer extends Dialer {
  dial(target: DialTarget, signal?: AbortSignal): Promise<ConfirmingStream>;
}

export interface TcpExchangeLimits {
  /** Milliseconds to wait for the first byte of the answer. */
  readonly timeout: number;
  /** The largest answer, in bytes. */
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * An answer whose connection stays open has no end that could be seen: after this long without a
 * byte it counts as whole.
 */
const QUIET = 1_000;

/** After our end: for what the other side has to say to that, or for its end. */
const LINGER = 1_000;

/** From its first byte on, an answer must be whole within this. */
const WHOLE_ANSWER = 60_000;

/**
 * Dials the target, sends the message once, and reads until the other side ends, is quiet after an
 * answer, or has not answered in time. Our half stays open until then: a service may take its end
 * for the end of the conversation and drop the answer.
 *
 * @returns undefined when the message has arrived and nothing came back
 * @throws DialError when there is no connection; Error when it breaks, when the other side does not
 *   take the message, and when the answer is too large or has no end
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
  readonly #whole = new Watchdog(() => this.#fail('the answer has no end'));
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
    // It was reset between the dial and now, and has told nobody.
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
      this.#fail(`the answer is larger than ${this.#limits.maxAnswerBytes} bytes`);
    } else this.#silence.arm(QUIET);
  }

  /** The other side has said all, or has no more to say: then we end, too. */
  #handleSilence(): void {
    if (this.#ended) this.#finish();
    // Given to TCP is not delivered: to close now would throw away what is on its way.
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
      this.#fail('the other side closed the connection without taking the message');
      return;
    }
    const answer = this.#size === 0 ? undefined : Buffer.concat(this.#chunks);
    this.#outcome.resolve(answer);
  }

  #handleError(error: Error): void {
    // A reset in answer to our end takes nothing away from an answer that was there before.
    if (this.#ended && this.#size > 0) this.#finish();
    else this.#outcome.reject(error);
  }

  #fail(text: string): void {
    this.#outcome.reject(new Error(text));
  }
}
