/**
 * The Unified Endpoint over TCP and UDP (port 23080). Each datagram, and each chunk read from a TCP
 * connection, is one message. The response to each message is the string `201 `, the status in
 * SORACOM's default format.
 */
import type { Duplex } from 'node:stream';

import type { WallClock } from '../../ports/clock.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { DatagramHandler } from '../arc-network.js';
import { encodeBody, KEPT_BODY_BYTES, type MessageStore } from '../messages.js';
import type { Sims } from '../sims.js';
import { destroyWhenIdle, SimEndpoint } from './sim-endpoint.js';

/**
 * The response to a message over TCP or UDP: the status, an empty response (over UDP, an empty
 * datagram), or no response.
 */
export type RawResponse = 'status' | 'empty' | 'none';

export const RAW_ANSWERS: readonly RawResponse[] = ['status', 'empty', 'none'];

export interface UnifiedRawOptions {
  readonly sims: Pick<Sims, 'byAddress'>;
  readonly messages: MessageStore;
  readonly wallClock: WallClock;
  readonly answer: RawResponse;
  /** Milliseconds without data after which a connection is closed. */
  readonly idleTimeout?: number;
}

const DEFAULT_IDLE_TIMEOUT = 75_000;
const STATUS = Buffer.from('201 ');

export class UnifiedRawEndpoint extends SimEndpoint {
  readonly #options: UnifiedRawOptions;

  constructor(options: UnifiedRawOptions) {
    super(options.sims);
    this.#options = options;
  }

  /** Serves one TCP connection of a client inside the tunnel. */
  readonly handleConnection = (stream: Duplex, remote: SocketAddress): void => {
    const sim = this.admit(stream, remote);
    if (sim === undefined) return;
    destroyWhenIdle(stream, this.#options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT);
    stream.on('data', (chunk: Buffer) => {
      this.#record('tcp', sim.simId, chunk);
      // Stop reading from a client that does not read its responses.
      if (this.#options.answer === 'status' && !stream.write(STATUS)) stream.pause();
    });
    stream.on('drain', () => stream.resume());
    stream.once('end', () => stream.end());
  };

  readonly handleDatagram: DatagramHandler = (payload, from, reply) => {
    const sim = this.sims.byAddress(from.address);
    if (sim === undefined) {
      this.drops.count('no-sim');
      return;
    }
    this.#record('udp', sim.simId, payload);
    if (this.#options.answer === 'status') reply(STATUS);
    if (this.#options.answer === 'empty') reply(new Uint8Array(0));
  };

  #record(protocol: 'tcp' | 'udp', simId: string, bytes: Uint8Array): void {
    this.#options.messages.add({
      protocol,
      simId,
      at: new Date(this.#options.wallClock.unixMilliseconds()).toISOString(),
      ...encodeBody(bytes.subarray(0, KEPT_BODY_BYTES), bytes.length),
    });
  }
}
