/**
 * The UDP associations of one listener (RFC 1928 7). Each ends with the TCP connection on which the
 * client requested it.
 */
import type { Socket } from 'node:net';

import ipaddr from 'ipaddr.js';

import type { DropCounter } from '../../../lib/drop-counter.js';
import type { DatagramSocket, DatagramSockets } from '../../../ports/datagram-sockets.js';
import { type AccessFields, clientName, elapsed, partiesOf } from '../../access-line.js';
import type { ChosenTunnel } from '../../authentication/tunnel-choice.js';
import type { DatagramPorts } from '../../datagram-dialer.js';
import { DialError, type DialTarget, type FailedDial, failedDial } from '../../dialer.js';
import type { ProxyLog } from '../../proxy-log.js';
import { endWith } from '../../relay/joined-connection.js';
import { readTargetHost } from '../../target-host.js';
import { REPLY, replyOf, requestReply } from '../messages.js';
import { type UdpDropReason, UdpRelay } from './udp-relay.js';

const MAX_ASSOCIATIONS = 1024;

/** After this many milliseconds of silence, TCP checks whether the client still exists. */
const KEEPALIVE_DELAY = 60_000;

/** The maximum number of name lookups in progress for all associations together. */
const MAX_LOOKUPS = 256;

export interface AssociationsOptions {
  /** The UDP sockets of this machine, for the clients' side. */
  readonly sockets: DatagramSockets;
  /** The tunnel's side; undefined if each client chooses its tunnel. */
  readonly ports?: DatagramPorts | undefined;
  readonly log: ProxyLog;
  readonly onFailure: () => void;
  /** Counts the datagrams that any association drops. */
  readonly drops?: DropCounter<UdpDropReason>;
  /** The maximum number of associations. Default 1024. */
  readonly most?: number;
}

/** A client that has requested an association. */
export interface AssociationClient {
  /** The TCP connection, on which nothing is left to read except bytes to ignore. */
  readonly socket: Socket;
  /** The UDP port from which the client will send; 0 if the first datagram determines it. */
  readonly port: number;
  /** The tunnel that the client has chosen; undefined if there is only one. */
  readonly via?: Pick<ChosenTunnel, 'datagramPorts' | 'name'> | undefined;
}

/** The address that the client connected to, and the client's own address. */
interface Addresses {
  readonly local: string;
  readonly remote: string;
}

interface Tunnel {
  readonly ports: DatagramPorts;
  readonly resolve: (name: string, signal: AbortSignal) => Promise<Uint8Array>;
}

export class Associations {
  readonly #options: AssociationsOptions;
  #open = 0;
  #lookups = 0;

  constructor(options: AssociationsOptions) {
    this.#options = options;
  }

  /**
   * Creates an association, which the caller starts. Its UDP socket has the address that the client
   * connected to, so that only those who can reach the listener can reach the relay.
   *
   * @param onOver called once, when the association has ended
   * @returns `no-address` if the client is connected to a Unix socket
   */
  open(client: AssociationClient, onOver: () => void): UdpAssociation | 'too-many' | 'no-address' {
    const { most = MAX_ASSOCIATIONS } = this.#options;
    const ports = client.via?.datagramPorts ?? this.#options.ports;
    const local = plainAddress(client.socket.localAddress);
    const remote = plainAddress(client.socket.remoteAddress);
    if (local === undefined || remote === undefined || ports === undefined) return 'no-address';
    if (this.#open >= most) return 'too-many';
    this.#open++;
    const tunnel: Tunnel = {
      ports,
      resolve: (name, signal) => this.#resolve(ports, name, signal),
    };
    return new UdpAssociation(this.#options, client, { local, remote }, tunnel, () => {
      this.#open--;
      onOver();
    });
  }

  async #resolve(ports: DatagramPorts, name: string, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#lookups >= MAX_LOOKUPS)
      throw new DialError('exhausted', 'too many names are being looked up');
    this.#lookups++;
    try {
      return await ports.resolve(name, signal);
    } finally {
      this.#lookups--;
    }
  }
}

/** Converts an IPv4-mapped address, which a listener on `::` reports, to IPv4. */
function plainAddress(address: string | undefined): string | undefined {
  return address === undefined ? undefined : readTargetHost(address);
}

export class UdpAssociation {
  readonly #options: AssociationsOptions;
  readonly #client: AssociationClient;
  readonly #addresses: Addresses;
  readonly #tunnel: Tunnel;
  readonly #onOver: () => void;
  readonly #name: string;
  readonly #start = performance.now();
  readonly #ended = new AbortController();
  #relaySocket: DatagramSocket | undefined;
  #relay: UdpRelay | undefined;

  /** @param onOver called once, when the association has ended */
  constructor(
    options: AssociationsOptions,
    client: AssociationClient,
    addresses: Addresses,
    tunnel: Tunnel,
    onOver: () => void,
  ) {
    this.#options = options;
    this.#client = client;
    this.#addresses = addresses;
    this.#tunnel = tunnel;
    this.#onOver = onOver;
    this.#name = clientName(client.socket);
  }

  /** Opens the relay and replies to the client. */
  start(): void {
    const { socket } = this.#client;
    socket.on('error', () => undefined);
    socket.once('close', () => this.end());
    socket.once('end', () => this.end());
    // Read and ignore further bytes, because otherwise the end of the connection stays unnoticed.
    socket.resume();
    socket.setKeepAlive(true, KEEPALIVE_DELAY);
    void this.#open();
  }

  /** Ends the association and its TCP connection. Further calls have no effect. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new Error('the UDP association has ended'));
    this.#closeRelay();
    this.#client.socket.destroySoon();
    if (this.#relay !== undefined) this.#logEnd(this.#relay);
    this.#onOver();
  }

  async #open(): Promise<void> {
    const { local } = this.#addresses;
    try {
      const relaySocket = await this.#options.sockets.open({ address: local, port: 0 });
      this.#relaySocket = relaySocket;
      const relay = this.#createRelay(relaySocket);
      const port = await this.#tunnel.ports.bind(relay.handleTunnel);
      relay.open(port);
      this.#relay = relay;
      if (this.#ended.signal.aborted) {
        this.#closeRelay();
        return;
      }
      const address = Uint8Array.from(ipaddr.parse(local).toByteArray());
      const bound = { address, port: relaySocket.localPort };
      this.#client.socket.write(requestReply(REPLY.succeeded, bound));
    } catch (error) {
      this.#refuse(failedDial(error));
    }
  }

  #createRelay(socket: DatagramSocket): UdpRelay {
    // Without a reader, an error of the socket means that datagrams were lost, as they may be.
    socket.onError = () => undefined;
    return new UdpRelay({
      client: { address: this.#addresses.remote, port: this.#client.port },
      socket,
      resolve: (name) => this.#tunnel.resolve(name, this.#ended.signal),
      now: () => performance.now(),
      totals: this.#options.drops,
      onDrop: (reason, target) => this.#logDrop(reason, target),
    });
  }

  #closeRelay(): void {
    this.#relay?.close();
    void this.#relaySocket?.close();
  }

  #refuse(failure: FailedDial): void {
    if (this.#ended.signal.aborted) {
      this.#closeRelay();
      return;
    }
    this.#ended.abort(new Error('the UDP association has failed'));
    this.#closeRelay();
    const { log, onFailure } = this.#options;
    const { reason, message } = failure;
    onFailure();
    log.warn({ reason, ...this.#parties() }, `cannot open a UDP association: ${message}`);
    endWith(this.#client.socket, requestReply(replyOf(failure)));
    this.#onOver();
  }

  #logDrop(reason: UdpDropReason, target: DialTarget | undefined): void {
    const fields = { reason, ...this.#parties(target) };
    this.#options.log.warn(fields, `a UDP datagram was dropped: ${TEXT_OF[reason]}`);
  }

  #logEnd({ sent, received, drops }: UdpRelay): void {
    const dropped = drops.total === 0 ? {} : { dropped: Object.fromEntries(drops) };
    const fields = { ...this.#parties(), sent, received, ...dropped, ms: elapsed(this.#start) };
    this.#options.log.info(fields, 'UDP association closed');
  }

  #parties(target?: DialTarget): AccessFields {
    return partiesOf(this.#name, target, this.#client.via?.name);
  }
}

const TEXT_OF: Readonly<Record<UdpDropReason, string>> = {
  fragment: 'fragments are not supported',
  malformed: 'its SOCKS5 header must contain an address or a name, and a port',
  'other-client': 'another program sent it to the UDP port of a client',
  'name-unresolved': 'the name of its target has no address inside the tunnel',
  'too-many-names': 'too many datagrams wait for name lookups',
  'other-sender': 'the client has not sent to this host within the last 60 s',
  'slow-client': 'the client reads too slowly',
  'no-route': 'its target is outside the allowed IPs',
  'too-long': 'it does not fit into one packet of the tunnel',
  'queue-full': 'the client sends faster than the tunnel',
  closed: 'the tunnel is closing',
  'over-budget': 'the traffic budget is used up',
};
