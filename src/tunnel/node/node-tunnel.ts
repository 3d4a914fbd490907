import { EventEmitter } from 'node:events';
import type { AgentOptions } from 'node:http';
import type { AgentOptions as HttpsAgentOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

import {
  createHttpsAgent,
  TunnelHttpAgent,
  type TunnelHttpsAgent,
  undiciConnector,
  type UndiciConnector,
} from './http-agent.js';
import type { Lookup, PromisedLookup } from '../names/lookup.js';
import type { ConnectOptions, NodeNetwork } from './node-network.js';
import type { ListenOptions, TcpServer } from './tcp-server.js';
import type { TcpSocket } from './tcp-socket.js';
import type { MessageListener, UdpSocket } from './udp-socket.js';
import { TunnelFetch } from './tunnel-fetch.js';
import type { TunnelStatus } from '../tunnel-status.js';

/** The events of a tunnel. */
export interface TunnelEvents {
  /** A handshake with the Arc server is complete. */
  handshake: [];
  /** The Arc server has stopped answering. */
  stale: [silence: TunnelSilence];
  /** The Arc server answers again after `stale`. */
  up: [];
  /** The tunnel has switched to another session; only with the `renewal` option. */
  renewed: [renewal: TunnelRenewal];
  /** The session could not be renewed or saved; only with the `renewal` option. */
  renewalFailed: [failure: { readonly why: string }];
}

/** A switch of an open tunnel to another session. */
export interface TunnelRenewal {
  /** The reasons, as sentences. */
  readonly why: readonly string[];
  /** What has changed, such as `address`; empty if the server gave the same session again. */
  readonly changed: readonly string[];
  /** The path of the file that contains the session; undefined if no file does. */
  readonly savedIn: string | undefined;
}

/** The likely reason for the Arc server's silence, as a code and in words. */
export type TunnelSilence = NonNullable<TunnelStatus['silence']>;

/**
 * A tunnel with the APIs of node:net, node:dgram, node:dns and node:http for the network inside it.
 */
export abstract class NodeTunnel extends EventEmitter<TunnelEvents> {
  protected abstract readonly network: NodeNetwork;
  readonly #fetch = new TunnelFetch(() => this.undiciConnector());

  /** dns.lookup() with the name servers inside the tunnel, for APIs with a `lookup` option. */
  get lookup(): Lookup {
    return this.network.lookup;
  }

  /** The equivalent of dns.promises. */
  get promises(): { readonly lookup: PromisedLookup } {
    return { lookup: this.network.promisedLookup };
  }

  /**
   * Opens a TCP connection inside the tunnel, like net.connect().
   * @throws RangeError `ERR_SOCKET_BAD_PORT`; other failures are 'error' events
   */
  connect(options: ConnectOptions, onConnect?: () => void): TcpSocket {
    return this.network.connect(options, onConnect);
  }

  /**
   * Accepts connections from inside the tunnel, like net.createServer().listen().
   * @throws RangeError `ERR_SOCKET_BAD_PORT`; other failures are 'error' events
   */
  listen(options: ListenOptions, onConnection?: (socket: TcpSocket) => void): TcpServer {
    return this.network.listen(options, onConnection);
  }

  /** Creates a UDP socket inside the tunnel, like dgram.createSocket(). */
  createUdpSocket(onMessage?: MessageListener): UdpSocket {
    return this.network.createUdpSocket(onMessage);
  }

  /** Creates an `agent` for http.request(). */
  httpAgent(options?: AgentOptions): TunnelHttpAgent {
    return new TunnelHttpAgent((to) => this.connect(to), options);
  }

  /** Creates an `agent` for https.request(). */
  httpsAgent(options?: HttpsAgentOptions): TunnelHttpsAgent {
    return createHttpsAgent((to) => this.connect(to), options);
  }

  /**
   * Requests a URL like the global fetch(), inside the tunnel. Needs the package undici.
   *
   * @throws UserError of kind `failed` if undici is not installed
   * @throws TypeError if the request fails, with the reason as its `cause`
   */
  fetch(url: string | URL, init?: RequestInit): Promise<Response> {
    return this.#fetch.fetch(url, init);
  }

  /** Ends the connections of fetch(). */
  protected endFetches(): Promise<void> {
    return this.#fetch.close();
  }

  /** Creates the `connect` option for undici's Agent; `tls` applies to https. */
  undiciConnector(tls?: ConnectionOptions): UndiciConnector {
    return undiciConnector((to) => this.connect(to), tls);
  }
}
