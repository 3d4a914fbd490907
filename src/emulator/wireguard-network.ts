/** The Arc server's network: arctun's WireGuard responder and TCP/IP stack on one UDP socket. */
import type { Peer } from '../engine/engine.js';
import { NetstackEngine } from '../engine/netstack-engine.js';
import type { Secret } from '../lib/secrets/secret.js';
import { Driver } from '../tunnel/driver.js';
import type { DatagramChannel, DatagramDialer } from '../proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../proxy/dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { TunnelDatagramChannel } from '../tunnel/node/datagram-channel.js';
import { TunnelEchoChannel } from '../tunnel/node/echo-channel.js';
import { ping } from '../tunnel/node/ping.js';
import { TcpSocket } from '../tunnel/node/tcp-socket.js';
import { type PeerSilence, routeTo } from '../tunnel/server/route.js';
import { TunnelDialer } from '../tunnel/tunnel-dialer.js';
import { type SilenceError, TunnelError } from '../tunnel/tunnel-error.js';
import type { DatagramSocket } from '../ports/datagram-sockets.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';
import { formatIpAddress, type IpAddress, type SocketAddress } from '../wire/ip-address.js';
import type {
  ArcNetwork,
  ArcNetworkOptions,
  ArcPeer,
  ArcPingOptions,
  ConnectionHandler,
  DatagramHandler,
} from './arc-network.js';

/** Describes a client that does not answer. Nothing is known in advance about a client. */
const CLIENT_SILENCE: PeerSilence = {
  explain: () =>
    new TunnelError('no-answer', {
      what: 'no answer from the SIM',
      why: 'the SIM is not answering',
    }) as SilenceError,
  blocked: () => undefined,
};

/** The MTU that soratun uses for Arc. */
const MTU = 1420;

/** @throws Error with the system's `code` if the UDP port is unavailable */
export async function openWireGuardNetwork(
  options: ArcNetworkOptions,
  ports: TunnelPorts,
): Promise<ArcNetwork> {
  return new WireGuardNetwork(options, ports, await ports.sockets.open(options.listen));
}

class WireGuardNetwork implements ArcNetwork {
  readonly endpoint: { readonly address: string; readonly port: number };
  readonly #engine: NetstackEngine;
  readonly #driver: Driver;
  readonly #socket: DatagramSocket;
  readonly #peers = new Map<string, Peer>();
  readonly dialer: ConfirmingDialer;
  readonly datagramDialer: DatagramDialer;
  readonly #ownDialer: TunnelDialer;
  readonly #echoChannels = new Set<TunnelEchoChannel>();

  constructor(options: ArcNetworkOptions, ports: TunnelPorts, socket: DatagramSocket) {
    const { addresses } = options;
    const privateKey = options.privateKey.expose();
    const { crypto, entropy, wallClock, clock } = ports;
    this.#socket = socket;
    this.endpoint = { address: options.listen.address, port: socket.localPort };
    this.#engine = new NetstackEngine(
      { privateKey, addresses, mtu: MTU, crypto, entropy, wallClock },
      clock.now(),
    );
    this.#driver = new Driver({ engine: this.#engine, socket, clock, onEvent: () => undefined });
    const host = { engine: this.#engine, driver: this.#driver, silence: CLIENT_SILENCE };
    this.#ownDialer = new TunnelDialer(host);
    this.dialer = this.#ownDialer;
    this.datagramDialer = { open: (target) => openChannel(host, target) };
    socket.onError = (error) => ports.log.debug({ reason: error.message }, 'arc socket');
  }

  get publicKey(): Uint8Array {
    return this.#engine.device.publicKey;
  }

  setPrivateKey(privateKey: Secret<Uint8Array>): void {
    const { device } = this.#engine;
    // Remove all peers, because their sessions belong to the old key.
    for (const peer of this.#peers.values()) device.removePeer(peer);
    this.#peers.clear();
    device.setPrivateKey(privateKey.expose());
  }

  addPeer({ publicKey, address }: ArcPeer): void {
    const allowedIps = [{ address, prefixLength: address.length * 8 }];
    const peer = this.#engine.device.addPeer({ publicKey, allowedIps }, this.#driver.now());
    this.#peers.set(publicKey.join(), peer);
  }

  removePeer(publicKey: Uint8Array): void {
    const peer = this.#peers.get(publicKey.join());
    if (peer === undefined) return;
    this.#peers.delete(publicKey.join());
    this.#engine.device.removePeer(peer);
  }

  listenTcp(local: SocketAddress, onConnection: ConnectionHandler): void {
    this.#engine.stack.listenTcp(local, (connection) => {
      const socket = new TcpSocket(this.#driver);
      socket.attach(connection);
      onConnection(socket, connection.remote);
      return socket.observer;
    });
  }

  bindUdp(local: SocketAddress, onDatagram: DatagramHandler): void {
    const udp = this.#engine.stack.bindUdp(local, (payload, from) =>
      onDatagram(payload, from, (answer) => {
        udp.sendTo(answer, from, local.address);
        this.#driver.schedule();
      }),
    );
  }

  lastHandshake(publicKey: Uint8Array): number | undefined {
    return this.#peers.get(publicKey.join())?.lastHandshakeUnix;
  }

  async ping(address: IpAddress, options: ArcPingOptions): Promise<number | undefined> {
    const host = { engine: this.#engine, driver: this.#driver };
    const open = (target: string) => openEchoChannel(host, target, this.#echoChannels);
    try {
      const { rtt } = await ping({ open }, formatIpAddress(address), options);
      return rtt;
    } catch (error) {
      if (error instanceof DialError) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#ownDialer.close();
    for (const channel of [...this.#echoChannels]) channel.close();
    this.#engine.stack.close(this.#driver.now());
    this.#driver.close();
    this.#engine.close();
    await this.#socket.close();
    // The socket sends nothing any more, so the tunnels of this process may use the memory.
    this.#engine.discard();
  }
}

interface Host {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
}

/** @throws DialError if no SIM has the target's address */
async function openChannel(
  { engine, driver }: Host,
  { host, port }: DialTarget,
): Promise<DatagramChannel> {
  const { address } = routeTo(host, engine, CLIENT_SILENCE);
  const options = { engine, driver, mtu: MTU, onClose: () => undefined };
  return Promise.resolve(new TunnelDatagramChannel(options, { address, port }));
}

/**
 * @param channels contains the channel while it is open
 * @throws DialError if no SIM has the address, or too many channels are open
 */
async function openEchoChannel(
  { engine, driver }: Host,
  host: string,
  channels: Set<TunnelEchoChannel>,
): Promise<TunnelEchoChannel> {
  const { address } = routeTo(host, engine, CLIENT_SILENCE);
  const onClose = () => void channels.delete(channel);
  const channel = new TunnelEchoChannel({ engine, driver, mtu: MTU, onClose }, address);
  channels.add(channel);
  return Promise.resolve(channel);
}
