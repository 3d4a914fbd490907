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

/** A tunnel as a Node program uses it: node:net, node:dgram, node:dns and node:http inside of it. */
export abstract class NodeTunnel {
  protected abstract readonly network: NodeNetwork;

  /** dns.lookup() by the name servers inside the tunnel: to be given to whatever takes a `lookup`. */
  get lookup(): Lookup {
    return this.network.lookup;
  }

  /** As dns.promises. */
  get promises(): { readonly lookup: PromisedLookup } {
    return { lookup: this.network.promisedLookup };
  }

  /**
   * A TCP connection inside the tunnel, as net.connect() makes one outside.
   * @throws RangeError `ERR_SOCKET_BAD_PORT`; all else is told by 'error'
   */
  connect(options: ConnectOptions, onConnect?: () => void): TcpSocket {
    return this.network.connect(options, onConnect);
  }

  /**
   * Lets what is inside the tunnel connect to us, as net.createServer().listen() does outside.
   * @throws RangeError `ERR_SOCKET_BAD_PORT`; all else is told by 'error'
   */
  listen(options: ListenOptions, onConnection?: (socket: TcpSocket) => void): TcpServer {
    return this.network.listen(options, onConnection);
  }

  /** A UDP port inside the tunnel, as dgram.createSocket() makes one outside. */
  createUdpSocket(onMessage?: MessageListener): UdpSocket {
    return this.network.createUdpSocket(onMessage);
  }

  /** An `agent` for http.request(). */
  httpAgent(options?: AgentOptions): TunnelHttpAgent {
    return new TunnelHttpAgent((to) => this.connect(to), options);
  }

  /** An `agent` for https.request(). */
  httpsAgent(options?: HttpsAgentOptions): TunnelHttpsAgent {
    return createHttpsAgent((to) => this.connect(to), options);
  }

  /** The `connect` of undici's Agent; `tls` is for what is https. */
  undiciConnector(tls?: ConnectionOptions): UndiciConnector {
    return undiciConnector((to) => this.connect(to), tls);
  }
}
