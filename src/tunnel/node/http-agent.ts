/**
 * HTTP through the tunnel: agents for node:http and node:https, and the connector for undici.
 *
 * node:https and node:tls are loaded on first use, because loading them takes longer than a
 * WireGuard handshake, and most tunnels never use them.
 */
import { Agent as HttpAgent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Agent as HttpsAgent, AgentOptions as HttpsAgentOptions } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';

import type { ConnectOptions } from './node-network.js';
import type { TcpSocket } from './tcp-socket.js';

export type Connect = (options: ConnectOptions) => TcpSocket;

type OnCreate = (error: Error | null, stream: Duplex) => void;

export class TunnelHttpAgent extends HttpAgent {
  readonly #connect: Connect;

  constructor(connect: Connect, options?: AgentOptions) {
    super(options);
    this.#connect = connect;
  }

  override createConnection(options: ClientRequestArgs): Duplex {
    return this.#connect(connectOptions(options));
  }
}

export type TunnelHttpsAgent = HttpsAgent;

export function createHttpsAgent(connect: Connect, options?: HttpsAgentOptions): TunnelHttpsAgent {
  const { Agent } = process.getBuiltinModule('node:https');
  const agent = new Agent(options);
  const createSecureConnection = agent.createConnection.bind(agent);
  /** Starts TLS only on an established connection, so that a failed dial reports its own error. */
  agent.createConnection = (request: ClientRequestArgs, onCreate?: OnCreate): undefined => {
    const socket = connect(connectOptions(request));
    const onError = (error: Error): void => onCreate?.(error, socket);
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      // node:https resumes the TLS session that it cached for the request's host.
      const secure = createSecureConnection({ ...request, socket } as ClientRequestArgs);
      onCreate?.(null, secure ?? socket);
    });
  };
  return agent;
}

/** Converts the options that node:http prepares for a request. */
function connectOptions({ host, port, timeout }: ClientRequestArgs): ConnectOptions {
  return { host: host ?? '', port: port ?? 80, ...(timeout !== undefined && { timeout }) };
}

/** undici's description of a connection; the port is empty for the protocol's default port. */
export interface UndiciConnectOptions {
  readonly hostname: string;
  readonly protocol: string;
  readonly port: string;
  readonly servername?: string;
}

/** The `connect` option of undici's Agent, Client and Pool. */
export type UndiciConnector = (
  options: UndiciConnectOptions,
  callback: (...outcome: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
) => void;

/** @param tls the options of tls.connect(), for https */
export function undiciConnector(connect: Connect, tls: ConnectionOptions = {}): UndiciConnector {
  return ({ hostname: host, protocol, port, servername }, callback) => {
    const isSecure = protocol === 'https:';
    const socket = connect({ host, port: port || (isSecure ? 443 : 80) });
    const begin = (stream: Duplex, event: 'connect' | 'secureConnect', next: () => void): void => {
      const onError = (error: Error): void => callback(error, null);
      stream.once('error', onError);
      stream.once(event, () => {
        stream.off('error', onError);
        next();
      });
    };
    begin(socket, 'connect', () => {
      if (!isSecure) {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- undici's types ask for node:net's class; a TcpSocket has all that it uses of it.
        callback(null, socket as Duplex as Socket);
        return;
      }
      // An address is not a valid server name (RFC 6066 3).
      const name = servername || (isIP(host) === 0 ? host : '');
      const ALPNProtocols = ['http/1.1'];
      const { connect: connectTls } = process.getBuiltinModule('node:tls');
      const secure = connectTls({ ALPNProtocols, ...tls, socket, host, servername: name });
      begin(secure, 'secureConnect', () => callback(null, secure));
    });
  };
}
