/** A local DNS listener, over UDP and TCP on the same port. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';

import { codeOf } from '../../lib/errors/error-message.js';
import { makeRoom, markUsed } from '../../lib/oldest-idle.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { Clock } from '../../ports/clock.js';
import type { ListenerCounters } from '../http/listener.js';
import type { ListenAddress } from '../listen-address.js';
import { listenError, openPort, type PortOptions } from '../open-port.js';
import { DnsConnection } from './dns-connection.js';
import type { DnsForwarder } from './dns-forwarder.js';

export interface DnsListenerOptions extends Omit<PortOptions, 'risk'> {
  readonly forwarder: DnsForwarder;
  readonly clock: Clock;
}

/** The maximum number of TCP connections; at the limit, a new one replaces the oldest idle one. */
const MAX_CONNECTIONS = 64;

/** For port 0: how often to choose another port if UDP already uses the one chosen for TCP. */
const PORT_ATTEMPTS = 10;

/**
 * Opens the port over UDP and TCP.
 *
 * @throws UserError of kind `failed` or `permission` if the port cannot be opened
 */
export async function startDnsListener(options: DnsListenerOptions): Promise<DnsListener> {
  for (let attempt = 1; ; attempt++) {
    const listener = new DnsListener(options);
    try {
      await listener.open();
      return listener;
    } catch (error) {
      await listener.closePorts();
      const isRetried = options.listen.port === 0 && attempt < PORT_ATTEMPTS;
      const { cause } = error as Error;
      if (!isRetried || codeOf(cause) !== 'EADDRINUSE') throw error;
    }
  }
}

export class DnsListener {
  readonly #options: DnsListenerOptions;
  readonly #server: Server;
  readonly #connections = new Map<Socket, DnsConnection>();
  #udp: UdpSocket | undefined;
  #address: ListenAddress | undefined;

  constructor(options: DnsListenerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** The listener's address with the actual port, such as `127.0.0.1:5353`. */
  get authority(): string {
    return formatAuthority(this.#address ?? this.#options.listen);
  }

  get counters(): ListenerCounters {
    return this.#options.forwarder.counters;
  }

  /** @throws UserError if the port cannot be opened */
  async open(): Promise<void> {
    const risk = 'look up names as this SIM';
    this.#address = await openPort(this.#server, { ...this.#options, risk });
    this.#udp = await this.#openUdp(this.#address);
  }

  /** Ends the waits of the forwarder, and closes the port and all connections. */
  close(): Promise<void> {
    this.#options.forwarder.close();
    return this.closePorts();
  }

  /** Closes the port and all connections. */
  async closePorts(): Promise<void> {
    this.#udp?.close();
    this.#udp = undefined;
    for (const connection of this.#connections.values()) connection.close();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #openUdp({ host, port }: ListenAddress): Promise<UdpSocket> {
    const { log, forwarder } = this.#options;
    const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      udp.bind({ address: host, port, exclusive: true });
      await once(udp, 'listening');
    } catch (error) {
      udp.close();
      throw listenError(this.#options, error as NodeJS.ErrnoException);
    }
    udp.on('error', (error) => log.error({ error: error.message }, 'the DNS listener failed'));
    udp.on('message', (message, from) => {
      // A response cannot be sent to port 0, and node:dgram would throw an exception.
      if (from.port === 0) return;
      void forwarder.answer(message, 'udp').then((response) => {
        // Ignore errors: a client that is gone repeats its query.
        if (response !== undefined)
          this.#udp?.send(response, from.port, from.address, () => undefined);
      });
    });
    return udp;
  }

  #accept(socket: Socket): void {
    if (!makeRoom(this.#connections, MAX_CONNECTIONS)) {
      socket.destroy();
      return;
    }
    const { forwarder, clock } = this.#options;
    const onUse = () => markUsed(this.#connections, socket);
    this.#connections.set(socket, new DnsConnection(socket, { forwarder, clock, onUse }));
    socket.on('close', () => this.#connections.delete(socket));
  }
}
