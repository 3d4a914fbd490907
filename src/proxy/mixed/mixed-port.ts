/**
 * A proxy for both SOCKS5 and HTTP on one local port. The first byte of a connection shows which
 * protocol it uses. The proxy dials only targets inside the tunnel.
 */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import {
  HttpListener,
  type HttpListenerOptions,
  type ListenedConnection,
} from '../http/listener.js';
import { endWith } from '../joined-connection.js';
import { SOCKS4_VERSION, SOCKS5_VERSION, socks4Refusal } from '../socks5/messages.js';
import { type Socks5Context, Socks5Session } from '../socks5/session.js';
import { summedLog } from '../summed-log.js';
import { connectTarget, proxiedDestination } from './request-authority.js';

/**
 * Milliseconds until a silent connection is closed. Browsers open connections in advance, without
 * sending anything.
 */
const FIRST_BYTE_TIMEOUT = 30_000;

export type MixedPortOptions = Pick<
  HttpListenerOptions,
  'listen' | 'dialer' | 'log' | 'responseTimeout' | 'idleTimeout' | 'kept' | 'maxConnections'
>;

/**
 * Starts the proxy and resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` if the port cannot be opened
 */
export async function startMixedPort(options: MixedPortOptions): Promise<HttpListener> {
  const log = summedLog(options.log);
  const listener: HttpListener = new HttpListener({
    ...options,
    log,
    flag: '--proxy-listen',
    risk: 'reach everything inside the tunnel, with traffic that is billed to this SIM',
    headers: [],
    // A page can send only the origin form to this port, and that form is never forwarded; see
    // proxiedDestination().
    browsers: undefined,
    route: proxiedDestination,
    connectTarget,
    accept: (socket, asHttp) => accept(socket, asHttp, context),
  });
  const context: Socks5Context = {
    dialer: options.dialer,
    log,
    onRequest: () => listener.countRequest(),
    onFailure: () => listener.countFailure(),
  };
  await listener.listen();
  return listener;
}

function accept(socket: Socket, asHttp: () => void, context: Socks5Context): ListenedConnection {
  let session: Socks5Session | undefined;
  onFirstByte(socket, (byte) => {
    if (byte === SOCKS5_VERSION) session = new Socks5Session(socket, context);
    else if (byte === SOCKS4_VERSION) refuseSocks4(socket, context);
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

function refuseSocks4(socket: Socket, { log, onFailure }: Socks5Context): void {
  const fields = { reason: 'bad-request', client: clientName(socket) };
  log.warn(fields, 'cannot connect to the target: SOCKS4 is not supported');
  onFailure();
  endWith(socket, socks4Refusal());
}

/** Calls `handler` with the first byte, which remains unread in the socket. */
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
