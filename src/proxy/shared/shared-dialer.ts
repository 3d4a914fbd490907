/** The side of a shared tunnel that uses it: dials over the local socket of the owner. */
import type { Socket } from 'node:net';

import { abortable } from '../../lib/waits.js';
import { type DialTarget, DialError } from '../dialer.js';
import type { ConfirmingDialer } from '../tcp-exchange.js';
import { FramedStream } from './framed-stream.js';
import { dialLine, MAX_REPLY, readReply } from './requests.js';

/**
 * How long, in milliseconds, to wait for the owner's reply. The owner's own dial fails earlier, also
 * if it tries several addresses of a name.
 */
const LONGEST_DIAL = 90_000;

export interface SharedDialerOptions {
  /** Connects to the owner's local socket. */
  readonly connect: () => Promise<Socket>;
  /** Converts the owner's reply to the error of the dial; `{}` if the reply is not JSON. */
  readonly refusal: (reply: Readonly<Record<string, unknown>>) => Error;
  /** The error after the owner has disconnected. */
  readonly lost: () => Error;
}

export class SharedDialer implements ConfirmingDialer {
  readonly #options: SharedDialerOptions;
  readonly #confirms: boolean;

  /** @param confirms whether `unacknowledgedBytes` of the streams must be exact */
  constructor(options: SharedDialerOptions, confirms = false) {
    this.#options = options;
    this.#confirms = confirms;
  }

  async dial({ host, port }: DialTarget, signal?: AbortSignal): Promise<FramedStream> {
    const line = dialLine({ host, port, confirms: this.#confirms });
    const { socket, reply } = await ask(line, this.#options, signal);
    if (reply.dialled !== true) {
      socket.destroy();
      throw this.#options.refusal(reply);
    }
    const stream = new FramedStream(socket, this.#options.lost);
    // Ignore errors: if the stream is reset before the caller adds a listener, the caller finds it
    // destroyed.
    return stream.on('error', () => undefined);
  }
}

/**
 * Sends a request, and reads the reply.
 *
 * @returns the reply, and the socket, which is paused and has only the bytes after the reply
 */
export async function ask(
  line: string,
  { connect, lost }: Pick<SharedDialerOptions, 'connect' | 'lost'>,
  signal?: AbortSignal,
): Promise<{ socket: Socket; reply: Readonly<Record<string, unknown>> }> {
  signal?.throwIfAborted();
  const socket = await connect();
  socket.on('error', () => undefined);
  socket.write(line);
  try {
    const reply = await readLine(socket, lost, signal);
    return { socket, reply: readReply(reply) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function readLine(socket: Socket, lost: () => Error, signal?: AbortSignal): Promise<string> {
  return abortable<string>(signal, (resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\n');
      if (end < 0) {
        if (bytes.length > MAX_REPLY) reject(lost());
        return;
      }
      socket.pause();
      socket.unshift(bytes.subarray(end + 1));
      resolve(bytes.toString('utf8', 0, end));
    };
    const onClose = (): void => reject(lost());
    const timer = setTimeout(() => {
      reject(new DialError('timeout', 'the arctun process that owns the tunnel did not answer'));
    }, LONGEST_DIAL);
    socket.on('data', onData).on('close', onClose);
    return () => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
    };
  });
}
