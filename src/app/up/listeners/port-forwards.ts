/** Opens the port forwards of a tunnel, and connects them to the network inside it. */
import type { ConnectionList } from '../../../proxy/status/connection-list.js';
import type { NamedForward } from '../../../proxy/port-forward/forward-counters.js';
import type { InnerNetwork } from '../../../proxy/port-forward/inner-network.js';
import type { PortForward } from '../../../proxy/port-forward/port-forward.js';
import {
  PortForwards,
  requireDistinctForwards,
} from '../../../proxy/port-forward/port-forwards.js';
import type { ProxyLog } from '../../../proxy/proxy-log.js';
import type { UserspaceTunnel } from '../../../tunnel/userspace-tunnel.js';

/** The parts of a tunnel that forwards use. */
export type ForwardingTunnel = Pick<
  UserspaceTunnel,
  'dialer' | 'datagramDialer' | 'listen' | 'createUdpSocket'
>;

/** Forwards whose local ports open before the tunnel, and whose remote ports open with it. */
export class LaterForwards {
  readonly forwards: PortForwards;
  readonly #wanted: readonly PortForward[];
  readonly #connections: ConnectionList;
  #connect: (network: InnerNetwork) => void = () => undefined;

  /** @param connections lists the open TCP connections */
  constructor(wanted: readonly PortForward[], log: ProxyLog, connections: ConnectionList) {
    this.#wanted = wanted;
    this.#connections = connections;
    const network = new Promise<InnerNetwork>((resolve) => {
      this.#connect = resolve;
    });
    this.forwards = new PortForwards({ network, log });
  }

  /** @throws UserError if a port is unavailable, or if two forwards have the same place */
  async openLocal(): Promise<void> {
    requireDistinctForwards(this.#wanted);
    await this.forwards.open(this.#wanted.filter(({ kind }) => kind === 'local'));
  }

  /** @throws UserError if a port inside the tunnel is unavailable */
  async openRemote(tunnel: ForwardingTunnel): Promise<void> {
    this.#connect(watched(innerNetwork(tunnel), this.#connections));
    await this.forwards.open(this.#wanted.filter(({ kind }) => kind === 'remote'));
  }

  /** Returns the open forwards with the ports that the system chose. */
  names(): { forwards?: readonly NamedForward[] } {
    const forwards = this.forwards
      .list()
      .map(({ kind, protocol, listen, target }) => ({ kind, protocol, listen, target }));
    return forwards.length === 0 ? {} : { forwards };
  }
}

function watched(network: InnerNetwork, connections: ConnectionList): InnerNetwork {
  return {
    ...network,
    dialer: connections.watching('local-forward', network.dialer),
    listenTcp: (port, accept) =>
      network.listenTcp(port, (stream, from) => {
        connections.add('remote-forward', from, stream);
        accept(stream, from);
      }),
  };
}

/** The network inside a tunnel, as forwards see it. */
export function innerNetwork(tunnel: ForwardingTunnel): InnerNetwork {
  return {
    dialer: tunnel.dialer,
    datagrams: tunnel.datagramDialer,
    listenTcp: (port, accept) => listenTcp(tunnel, port, accept),
    bindUdp: (port, onDatagram) => bindUdp(tunnel, port, onDatagram),
  };
}

function listenTcp(
  tunnel: ForwardingTunnel,
  port: number,
  accept: Parameters<InnerNetwork['listenTcp']>[1],
): ReturnType<InnerNetwork['listenTcp']> {
  return new Promise((resolve, reject) => {
    const server = tunnel.listen({ port, allowHalfOpen: true }, (socket) => {
      accept(socket, { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
    });
    server.once('error', reject);
    server.once('listening', () => {
      resolve({ port: server.address()?.port ?? port, close: () => void server.close() });
    });
  });
}

function bindUdp(
  tunnel: ForwardingTunnel,
  port: number,
  onDatagram: Parameters<InnerNetwork['bindUdp']>[1],
): ReturnType<InnerNetwork['bindUdp']> {
  return new Promise((resolve, reject) => {
    const socket = tunnel.createUdpSocket((payload, { address, port: from }) =>
      onDatagram(payload, { host: address, port: from }),
    );
    let isClosed = false;
    socket.once('close', () => (isClosed = true));
    // After the socket is bound, errors have no effect on this promise.
    socket.on('error', reject);
    socket.bind(port, undefined, () => {
      resolve({
        port: socket.address().port,
        send: (payload, to) => socket.trySend(payload, to.port, to.host),
        close: () => {
          if (isClosed) return;
          isClosed = true;
          socket.close();
        },
      });
    });
  });
}
