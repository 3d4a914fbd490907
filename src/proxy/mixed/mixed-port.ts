/**
 * A proxy on one local port: SOCKS5 and HTTP, told apart by the first byte of a connection. What is
 * dialled is dialled inside the tunnel, and nothing anywhere else.
 */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import type { Dialer } from '../dialer.js';
import { HttpListener, type ListenedConnection, type ListenerCounters } from '../http/listener.js';
import { endWith } from '../joined-connection.js';
import type { ListenAddress } from '../listen-address.js';
import type { ProxyLog } from '../proxy-log.js';
import { SOCKS4_VERSION, SOCKS5_VERSION, socks4Refusal } from '../socks5/messages.js';
import { Socks5Session } from '../socks5/session.js';
import { summedLog } from '../summed-log.js';
import { connectTarget, proxiedDestination } from './request-authority.js';

/** Browsers open connections ahead of their requests; one that says nothing is closed. */
const FIRST_BYTE_TIMEOUT = 30_000;

export interface MixedPortOptions {
  readonly listen: ListenAddress;
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  /** As HttpListenerOptions. */
  readonly responseTimeout?: number;
  readonly idleTimeout?: number;
  readonly maxConnections?: number;
}

/**
 * Resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` when the port cannot be had
 */
export async function startMixedPort(options: MixedPortOptions): Promise<MixedPort> {
  const port = new MixedPort(options);
  await port.listen();
  return port;
}

export class MixedPort {
  readonly #listener: HttpListener;
  readonly #options: MixedPortOptions;

  constructor(given: MixedPortOptions) {
    const options = { ...given, log: summedLog(given.log) };
    this.#options = options;
    this.#listener = new HttpListener({
      ...options,
      flag: '--proxy-listen',
      risk: 'reach everything inside the tunnel, billed to this SIM',
      headers: [],
      // What a page can send here is the origin form, which has no way out: see proxiedDestination().
      browsers: undefined,
      route: proxiedDestination,
      connectTarget,
      accept: (socket, asHttp) => this.#accept(socket, asHttp),
    });
  }

  /** Where it listens, with the port that it got: `127.0.0.1:1080`. */
  get authority(): string {
    return this.#listener.authority;
  }

  get counters(): ListenerCounters {
    return this.#listener.counters;
  }

  /** @throws UserError when the port cannot be had */
  listen(): Promise<void> {
    return this.#listener.listen();
  }

  /** As HttpListener.close(). */
  close(options: { graceMs: number }): Promise<void> {
    return this.#listener.close(options);
  }

  #accept(socket: Socket, asHttp: () => void): ListenedConnection {
    let session: Socks5Session | undefined;
    onFirstByte(socket, (byte) => {
      if (byte === SOCKS5_VERSION) session = new Socks5Session(socket, this.#context());
      else if (byte === SOCKS4_VERSION) this.#refuseSocks4(socket);
      else asHttp();
    });
    return {
      get isBusy() {
        return session?.isBusy === true;
      },
      closeIfSilent: () => {
        if (socket.bytesRead === 0) socket.destroy();
      },
      abort: () => {
        if (session === undefined) socket.destroy();
        else session.abort();
      },
    };
  }

  #context() {
    const { dialer, log } = this.#options;
    const onRequest = () => this.#listener.countRequest();
    return { dialer, log, onRequest, onFailure: () => this.#listener.countFailure() };
  }

  #refuseSocks4(socket: Socket): void {
    const fields = { reason: 'bad-request', client: clientName(socket) };
    this.#options.log.warn(fields, 'not connected: SOCKS4 is not supported');
    this.#listener.countFailure();
    endWith(socket, socks4Refusal());
  }
}

/** Calls `handler` with the first byte, which stays in the socket to be read. */
function onFirstByte(socket: Socket, handler: (byte: number | undefined) => void): void {
  const onError = (): void => undefined;
  const onEnd = (): void => void socket.destroy();
  const timer = setTimeout(() => socket.destroy(), FIRST_BYTE_TIMEOUT);
  const onReadable = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    release();
    socket.unshift(bytes);
    handler(bytes[0]);
  };
  const release = (): void => {
    clearTimeout(timer);
    socket.off('error', onError).off('end', onEnd).off('readable', onReadable);
  };
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', onError).on('end', onEnd).on('readable', onReadable);
}
