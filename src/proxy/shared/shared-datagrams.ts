/** UDP channels over the local socket of the process that owns the tunnel. */
import type { Socket } from 'node:net';

import { abortable } from '../../lib/waits.js';
import type { DatagramChannel, DatagramDialer } from '../datagram-dialer.js';
import { DialError, type DialTarget } from '../dialer.js';
import { FRAME, frame, FrameReader, type FrameType } from './frames.js';
import { datagramsLine, readReply } from './requests.js';
import { ask, type SharedDialerOptions } from './shared-dialer.js';

/** The maximum number of datagrams queued for receive(); further datagrams are dropped. */
const MAX_WAITING = 64;

/** The maximum number of bytes that the owner has not read; send() then fails. */
const MAX_UNSENT = 256 * 1024;

export class SharedDatagramDialer implements DatagramDialer {
  readonly #options: SharedDialerOptions;

  constructor(options: SharedDialerOptions) {
    this.#options = options;
  }

  async open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel> {
    return (await openSharedChannel(datagramsLine(target), this.#options, signal)).channel;
  }
}

/**
 * Opens a channel with a request, and returns the reply as well.
 *
 * @throws the refusal of the owner; the abort reason
 */
export async function openSharedChannel(
  line: string,
  options: SharedDialerOptions,
  signal?: AbortSignal,
): Promise<{ channel: DatagramChannel; reply: Readonly<Record<string, unknown>> }> {
  const { socket, reply } = await ask(line, options, signal);
  const { open, maxPayload } = reply;
  if (open !== true || !Number.isSafeInteger(maxPayload)) {
    socket.destroy();
    throw options.refusal(reply);
  }
  return { channel: new SharedChannel(socket, maxPayload as number, options), reply };
}

interface Receiver {
  readonly take: (payload: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

class SharedChannel implements DatagramChannel {
  readonly maxPayload: number;
  readonly #socket: Socket;
  readonly #options: SharedDialerOptions;
  readonly #waiting: Uint8Array[] = [];
  #receiver: Receiver | undefined;
  #failure: Error | undefined;
  #end: Error | undefined;

  constructor(socket: Socket, maxPayload: number, options: SharedDialerOptions) {
    this.#socket = socket;
    this.maxPayload = maxPayload;
    this.#options = options;
    const reader = new FrameReader((type, payload) => this.#handle(type, payload), {
      splitsData: false,
    });
    socket.on('data', (chunk: Buffer) => {
      if (!reader.read(chunk)) socket.destroy();
    });
    socket.once('close', () => this.#finish(this.#failure ?? options.lost()));
    socket.resume();
  }

  send(payload: Uint8Array): void {
    if (this.#end !== undefined) throw this.#end;
    if (payload.length > this.maxPayload) {
      throw new RangeError(
        `the datagram is ${payload.length} bytes long, but must be at most ${this.maxPayload} bytes to fit into a packet`,
      );
    }
    if (this.#socket.writableLength > MAX_UNSENT) {
      throw new DialError('exhausted', 'too many datagrams are waiting to be sent');
    }
    this.#socket.write(frame(FRAME.data, payload));
  }

  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#receiver !== undefined)
      throw new TypeError('only one receive() call is allowed at a time');
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve(next);
    const error = this.#end ?? this.#failure;
    this.#failure = undefined;
    if (error !== undefined) return Promise.reject(error);
    return abortable<Uint8Array | undefined>(signal, (resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), timeout);
      this.#receiver = { take: resolve, fail: reject };
      return () => {
        clearTimeout(timer);
        this.#receiver = undefined;
      };
    });
  }

  close(): void {
    this.#finish(new DialError('closed', 'the channel is closed'));
    this.#socket.destroy();
  }

  #handle(type: FrameType, payload: Buffer): void {
    if (type === FRAME.failure) {
      const error = this.#options.refusal(readReply(payload.toString()));
      if (this.#receiver !== undefined) this.#receiver.fail(error);
      else this.#failure = error;
    } else if (type === FRAME.data) {
      if (this.#receiver !== undefined) this.#receiver.take(payload);
      else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(payload);
    }
  }

  #finish(error: Error): void {
    this.#end ??= error;
    this.#receiver?.fail(this.#end);
  }
}
