/**
 * A proxy for both SOCKS5 and HTTP on one local port. The first byte of a connection shows which
 * protocol it uses. The proxy dials only targets inside the tunnel.
 */
import type { Socket } from 'node:net';

import { DropCounter } from '../../lib/drop-counter.js';
import type { Secret } from '../../lib/secrets/secret.js';
import { PasswordCheck } from '../authentication/password-check.js';
import type { TunnelChoice } from '../authentication/tunnel-choice.js';
import {
  HttpListener,
  type HttpListenerOptions,
  type ListenedConnection,
} from '../http/listener.js';
import { SOCKS4_VERSION } from '../socks4/messages.js';
import { Socks4Session } from '../socks4/session.js';
import { SOCKS5_VERSION } from '../socks5/messages.js';
import { type Socks5Context, Socks5Session } from '../socks5/session.js';
import { Associations, type AssociationsOptions } from '../socks5/udp/associations.js';
import type { UdpDropReason } from '../socks5/udp/udp-relay.js';
import { isLoopback } from '../listen-address.js';
import { summedLog } from '../summed-log.js';
import { ClientGate } from '../authentication/client-gate.js';
import { answerPac, type PacSource } from './pac-response.js';
import { connectTarget, proxiedDestination } from './request-authority.js';

/**
 * Milliseconds until a silent connection is closed. Browsers open connections in advance, without
 * sending anything.
 */
const FIRST_BYTE_TIMEOUT = 30_000;

export interface MixedPortOptions extends Pick<
  HttpListenerOptions,
  'listen' | 'dialer' | 'log' | 'responseTimeout' | 'idleTimeout' | 'kept' | 'maxConnections'
> {
  /** The password that clients must send, in UTF-8; undefined if they need none. */
  readonly password?: Secret<Uint8Array> | undefined;
  /** The tunnels that clients choose by user name; undefined if there is only one. */
  readonly choice?: TunnelChoice | undefined;
  /** What UDP ASSOCIATE needs; undefined if it is not supported. */
  readonly udp?: Pick<AssociationsOptions, 'sockets' | 'ports' | 'most'> | undefined;
  /** The content of /proxy.pac; undefined if the file is not served. */
  readonly pac?: PacSource | undefined;
}

/**
 * Starts the proxy and resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` if the port cannot be opened
 */
export async function startMixedPort(options: MixedPortOptions): Promise<HttpListener> {
  const log = summedLog(options.log);
  const { password: secret, choice, udp, pac, listen } = options;
  const password = secret && new PasswordCheck(secret);
  // It is not known who can reach the sockets of systemd.
  const isLocal = 'path' in listen || ('host' in listen && isLoopback(listen.host));
  const gate = new ClientGate({ password, choice, isLocal });
  const drops = new DropCounter<UdpDropReason>();
  const listener: HttpListener = new HttpListener({
    ...options,
    drops,
    log,
    flag: '--proxy-listen',
    risk: riskOf(password),
    headers: [],
    // A page can send only the origin form to this port, and that form is never forwarded; see
    // proxiedDestination().
    browsers: undefined,
    route: (request) => gate.admitRequest(proxiedDestination(request), request),
    connectTarget: (request) => gate.admitRequest(connectTarget(request), request),
    ...(pac && {
      answer: (request, response) => answerPac(request, response, pac, listener.authority),
    }),
    accept: (socket, asHttp) => accept(socket, asHttp, context),
  });
  const onFailure = () => listener.countFailure();
  const context: Socks5Context = {
    dialer: options.dialer,
    log,
    gate,
    associations: udp && new Associations({ ...udp, drops, log, onFailure }),
    onRequest: () => listener.countRequest(),
    onFailure,
  };
  await listener.listen();
  return listener;
}

/** What others can do through a port that other machines can reach. */
function riskOf(password: object | undefined): string {
  return password === undefined
    ? 'reach everything inside the tunnel, with traffic that is billed to this SIM'
    : 'guess the password of the proxy; passwords and traffic between a client and the proxy are not encrypted';
}

function accept(socket: Socket, asHttp: () => void, context: Socks5Context): ListenedConnection {
  let session: Socks5Session | Socks4Session | undefined;
  onFirstByte(socket, (byte) => {
    if (byte === SOCKS5_VERSION) session = new Socks5Session(socket, context);
    else if (byte === SOCKS4_VERSION) session = new Socks4Session(socket, context);
    else asHttp();
  });
  return {
    get isBusy() {
      return session?.isBusy === true;
    },
    closeIfIdle: () => {
      if (socket.bytesRead === 0) socket.destroy();
      else if (session instanceof Socks5Session) session.closing();
    },
    abort: () => {
      if (session === undefined) socket.destroy();
      else session.abort();
    },
  };
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
