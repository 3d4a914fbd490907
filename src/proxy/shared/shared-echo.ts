/** Echo channels over the local socket of the process that owns the tunnel. */
import type { Clock } from '../../ports/clock.js';
import type { DatagramChannel } from '../datagram-dialer.js';
import type { EchoChannel, EchoDialer, EchoEvent, EchoOptions } from '../echo-dialer.js';
import { decodeEvent, encodeRequest, REQUEST_HEADER, SendTimes } from './echo-frames.js';
import { echoLine } from './requests.js';
import { openSharedChannel } from './shared-datagrams.js';
import type { SharedDialerOptions } from './shared-dialer.js';

export class SharedEchoDialer implements EchoDialer {
  readonly #options: SharedDialerOptions;
  readonly #clock: Pick<Clock, 'now'>;

  /** @param clock the clock of the channels' times */
  constructor(options: SharedDialerOptions, clock: Pick<Clock, 'now'>) {
    this.#options = options;
    this.#clock = clock;
  }

  async open(host: string, { family, signal }: EchoOptions = {}): Promise<EchoChannel> {
    const line = echoLine({ host, family });
    const { channel, reply } = await openSharedChannel(line, this.#options, signal);
    if (typeof reply.address === 'string' && channel.maxPayload >= REQUEST_HEADER) {
      return new SharedEchoChannel(channel, reply.address, this.#clock);
    }
    channel.close();
    throw this.#options.refusal(reply);
  }
}

class SharedEchoChannel implements EchoChannel {
  readonly address: string;
  readonly maxPayload: number;
  readonly #channel: DatagramChannel;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #times = new SendTimes();

  constructor(channel: DatagramChannel, address: string, clock: Pick<Clock, 'now'>) {
    this.address = address;
    this.maxPayload = channel.maxPayload - REQUEST_HEADER;
    this.#channel = channel;
    this.#clock = clock;
  }

  send(sequence: number, payload: Uint8Array): number {
    const at = this.#clock.now();
    this.#channel.send(encodeRequest(sequence, payload));
    this.#times.add(sequence, at);
    return at;
  }

  /** Returns events at the time of the request plus the round trip that the owner measured. */
  async receive(timeout: number, signal?: AbortSignal): Promise<EchoEvent | undefined> {
    const deadline = this.#clock.now() + timeout;
    for (;;) {
      const left = Math.max(0, deadline - this.#clock.now());
      const bytes = await this.#channel.receive(left, signal);
      if (bytes === undefined) return undefined;
      const event = decodeEvent(bytes);
      const sent = event && this.#times.of(event.sequence);
      if (event === undefined || sent === undefined) continue;
      const { elapsed, ...rest } = event;
      return { ...rest, at: sent + elapsed };
    }
  }

  close(): void {
    this.#channel.close();
  }
}
