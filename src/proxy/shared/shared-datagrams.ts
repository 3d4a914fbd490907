/** UDP channels over the local socket of the process that owns the tunnel. */
import type { Socket } from 'node:net';

import { ReceiveQueue } from '../../lib/receive-queue.js';
import type { Clock } from '../../ports/clock.js';
import type { DatagramChannel, DatagramDialer } from '../datagram-dialer.js';
import { DialError, type DialTarget } from '../dialer.js';
import { FRAME, frame, FrameReader, type FrameType } from './frames.js';
import { datagramsLine, readReply } from './requests.js';
import { ask, type SharedDialerOptions } from './shared-dialer.js';

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

const TIMERS: Pick<Clock, 'startTimer'> = {
  startTimer: (delay, handler) => {
    const timer = setTimeout(handler, delay);
    return { cancel: () => clearTimeout(timer) };
  },
};

class SharedChannel implements DatagramChannel {
  readonly maxPayload: number;
  readonly #socket: Socket;
  readonly #options: SharedDialerOptions;
  readonly #queue = new ReceiveQueue<Uint8Array>(TIMERS);

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
    // A lasting failure, if there is one, has arrived before; further calls report the loss.
    socket.once('close', () => this.#queue.end(options.lost()));
    socket.resume();
  }

  send(payload: Uint8Array): void {
    const { ended } = this.#queue;
    if (ended !== undefined) throw ended;
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
    return this.#queue.receive(timeout, signal);
  }

  close(): void {
    this.#queue.close(new DialError('closed', 'the channel is closed'));
    this.#socket.destroy();
  }

  #handle(type: FrameType, payload: Buffer): void {
    if (type === FRAME.data) this.#queue.push(payload);
    else if (type === FRAME.failure) {
      this.#queue.fail(this.#options.refusal(readReply(payload.toString())));
    }
  }
}
