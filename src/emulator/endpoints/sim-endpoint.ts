import type { Duplex } from 'node:stream';

import { DropCounter } from '../../lib/drop-counter.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Sim } from '../sim.js';
import type { Sims } from '../sims.js';

/** The maximum number of connections that an endpoint keeps open. */
export const MAX_CONNECTIONS = 1024;

/** An endpoint inside the tunnel. It accepts connections only from SIMs. */
export class SimEndpoint<OwnReason extends string = never> {
  /** Counts refused connections and ignored datagrams. */
  readonly drops = new DropCounter<'no-sim' | 'too-many' | OwnReason>();
  protected readonly sims: Pick<Sims, 'byAddress'>;
  readonly #connections = new Set<Duplex>();

  constructor(sims: Pick<Sims, 'byAddress'>) {
    this.sims = sims;
  }

  close(): void {
    for (const stream of this.#connections) stream.destroy();
  }

  /** Accepts a connection and returns its SIM, or destroys it and returns undefined. */
  protected admit(stream: Duplex, remote: SocketAddress): Sim | undefined {
    // Ignore errors, because the client also notices a broken connection.
    stream.on('error', () => undefined);
    const sim = this.sims.byAddress(remote.address);
    if (sim === undefined || this.#connections.size >= MAX_CONNECTIONS) {
      this.drops.count(sim === undefined ? 'no-sim' : 'too-many');
      stream.destroy();
      return undefined;
    }
    this.#connections.add(stream);
    stream.once('close', () => this.#connections.delete(stream));
    return sim;
  }
}

/** Destroys the stream after `timeout` milliseconds without received data. */
export function destroyWhenIdle(stream: Duplex, timeout: number): void {
  const timer = setTimeout(() => stream.destroy(), timeout).unref();
  stream.on('data', () => timer.refresh());
  stream.once('close', () => clearTimeout(timer));
}
