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

/**
 * A tunnel with the APIs of node:net, node:dgram, node:dns and node:http for the network inside it.
 */
export abstract class NodeTunnel {
  protected abstract readonly network: NodeNetwork;

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

  /** Creates the `connect` option for undici's Agent; `tls` applies to https. */
  undiciConnector(tls?: ConnectionOptions): UndiciConnector {
    return undiciConnector((to) => this.connect(to), tls);
  }
}
