/**
 * Echo (RFC 862) and discard (RFC 863) services over TCP and UDP, for programs under test. SORACOM
 * does not offer these services.
 */
import type { Duplex } from 'node:stream';

import { DropCounter } from '../../lib/drop-counter.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { ArcNetwork, DatagramHandler } from '../arc-network.js';
import { DISCARD_PORT, ECHO_PORT, UNIFIED_ENDPOINT_ADDRESS } from '../services.js';
import type { Sims } from '../sims.js';

export type EchoDropReason = 'no-sim' | 'too-many' | 'loop';

export const MAX_ECHO_CONNECTIONS = 1024;

/** Milliseconds without data after which a connection is reset. */
const IDLE_TIMEOUT = 75_000;

export class EchoDiscardEndpoint {
  /** Counts refused connections and ignored datagrams. */
  readonly drops = new DropCounter<EchoDropReason>();
  readonly #sims: Pick<Sims, 'byAddress'>;
  readonly #idleTimeout: number;
  readonly #connections = new Set<Duplex>();

  constructor(sims: Pick<Sims, 'byAddress'>, idleTimeout = IDLE_TIMEOUT) {
    this.#sims = sims;
    this.#idleTimeout = idleTimeout;
  }

  /** Serves TCP and UDP at the address of the Unified Endpoint. */
  listen(network: Pick<ArcNetwork, 'listenTcp' | 'bindUdp'>): void {
    const address = UNIFIED_ENDPOINT_ADDRESS;
    network.listenTcp({ address, port: ECHO_PORT }, (stream, remote) => {
      if (this.#take(stream, remote)) stream.pipe(stream);
    });
    network.listenTcp({ address, port: DISCARD_PORT }, (stream, remote) => {
      if (!this.#take(stream, remote)) return;
      stream.resume().once('end', () => stream.end());
    });
    network.bindUdp({ address, port: ECHO_PORT }, this.#echoDatagram);
    network.bindUdp({ address, port: DISCARD_PORT }, () => undefined);
  }

  close(): void {
    for (const stream of this.#connections) stream.destroy();
  }

  readonly #echoDatagram: DatagramHandler = (payload, from, reply) => {
    if (this.#sims.byAddress(from.address) === undefined) this.drops.count('no-sim');
    // Ignore datagrams from an echo port, because two echo services would answer each other
    // forever.
    else if (from.port === ECHO_PORT) this.drops.count('loop');
    else reply(payload);
  };

  /** Accepts or refuses a connection; returns true if accepted. */
  #take(stream: Duplex, remote: SocketAddress): boolean {
    // Ignore errors, because the client also notices a broken connection.
    stream.on('error', () => undefined);
    const isSim = this.#sims.byAddress(remote.address) !== undefined;
    if (!isSim || this.#connections.size >= MAX_ECHO_CONNECTIONS) {
      this.drops.count(isSim ? 'too-many' : 'no-sim');
      stream.destroy();
      return false;
    }
    this.#connections.add(stream);
    const timer = setTimeout(() => stream.destroy(), this.#idleTimeout).unref();
    stream.on('data', () => timer.refresh());
    stream.once('close', () => {
      clearTimeout(timer);
      this.#connections.delete(stream);
    });
    return true;
  }
}
