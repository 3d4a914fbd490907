/** The TCP connections of the programs behind a gateway. */
import type { Duplex } from 'node:stream';

import type { ConnectionAttempt } from '../../engine/gateway-engine.js';
import type { Dialer } from '../../proxy/dialer.js';
import { Relay } from '../../proxy/relay/relay.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { type ConnectionHost, ConnectionStream } from '../node/connection-stream.js';
import { refusalOf } from './refusal.js';

export class TcpFlows {
  readonly #dialer: Dialer;
  readonly #driver: ConnectionHost;
  /** One for each dial, because Node.js warns about a signal with more than ten listeners. */
  readonly #dials = new Set<AbortController>();
  readonly #relays = new Set<Relay>();

  constructor(dialer: Dialer, driver: ConnectionHost) {
    this.#dialer = dialer;
    this.#driver = driver;
  }

  /** Whether connections are open. */
  get isBusy(): boolean {
    return this.#relays.size > 0;
  }

  /** Connects to the target first, so that the program sees whether the target accepts. */
  async connect(attempt: ConnectionAttempt): Promise<void> {
    const { address, port } = attempt.target;
    const dialling = new AbortController();
    const { signal } = dialling;
    this.#dials.add(dialling);
    try {
      const target = { host: formatIpAddress(address), port };
      this.#accept(attempt, await this.#dialer.dial(target, signal));
    } catch (error) {
      const refusal = refusalOf(error);
      const now = this.#driver.now();
      if (signal.aborted) attempt.ignore();
      else if (refusal === 'port') attempt.refuse(now);
      else attempt.unreachable(refusal, now);
    }
    this.#dials.delete(dialling);
    this.#driver.schedule();
  }

  /** Resets all connections. */
  close(): void {
    for (const dial of this.#dials) dial.abort(new Error('the gateway is closing'));
    for (const relay of this.#relays) relay.abort();
  }

  #accept(attempt: ConnectionAttempt, stream: Duplex): void {
    // The relay handles errors; until the handshake ends, it does not exist.
    stream.on('error', () => undefined);
    attempt.accept(
      (connection) => {
        const client = new ConnectionStream(this.#driver, true);
        client.attach(connection);
        const relay: Relay = new Relay(client, stream, () => this.#relays.delete(relay));
        this.#relays.add(relay);
        return client.observer;
      },
      () => stream.destroy(),
      this.#driver.now(),
    );
  }
}
