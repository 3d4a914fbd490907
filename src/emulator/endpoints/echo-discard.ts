/**
 * Echo (RFC 862) and discard (RFC 863) services over TCP and UDP, for programs under test. SORACOM
 * does not offer these services.
 */
import type { Duplex } from 'node:stream';

import type { SocketAddress } from '../../wire/ip-address.js';
import type { ArcNetwork, DatagramHandler } from '../arc-network.js';
import { DISCARD_PORT, ECHO_PORT, UNIFIED_ENDPOINT_ADDRESS } from '../services.js';
import { destroyWhenIdle, SimEndpoint } from './sim-endpoint.js';

/** Milliseconds without data after which a connection is reset. */
const IDLE_TIMEOUT = 75_000;

export class EchoDiscardEndpoint extends SimEndpoint<'loop'> {
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

  readonly #echoDatagram: DatagramHandler = (payload, from, reply) => {
    if (this.sims.byAddress(from.address) === undefined) this.drops.count('no-sim');
    // Ignore datagrams from an echo port, because two echo services would answer each other
    // forever.
    else if (from.port === ECHO_PORT) this.drops.count('loop');
    else reply(payload);
  };

  /** Accepts or refuses a connection; returns true if accepted. */
  #take(stream: Duplex, remote: SocketAddress): boolean {
    if (this.admit(stream, remote) === undefined) return false;
    destroyWhenIdle(stream, IDLE_TIMEOUT);
    return true;
  }
}
