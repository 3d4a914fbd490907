/**
 * One UDP association (RFC 1928 7). The association ends with the TCP connection on which the
 * client requested it.
 */
import type { Socket } from 'node:net';

import ipaddr from 'ipaddr.js';

import { clientName, elapsed, partiesOf } from '../../access-line.js';
import type { DropCounter } from '../../../lib/drop-counter.js';
import type { DatagramSocket, DatagramSockets } from '../../../ports/datagram-sockets.js';
import type { DatagramPorts } from '../../datagram-dialer.js';
import { type DialTarget, type FailedDial, failedDial } from '../../dialer.js';
import { endWith } from '../../relay/joined-connection.js';
import type { ProxyLog } from '../../proxy-log.js';
import { REPLY, replyOf, requestReply } from '../messages.js';
import type { Resolve } from './known-names.js';
import { type UdpDropReason, UdpRelay } from './udp-relay.js';

/** After this many milliseconds of silence, TCP checks whether the client still exists. */
const KEEPALIVE_DELAY = 60_000;

export interface UdpAssociationOptions {
  /** The TCP connection, on which nothing is left to read except bytes to ignore. */
  readonly socket: Socket;
  /** The port from which the client will send; 0 if the first datagram determines it. */
  readonly port: number;
  /** The name of the SIM that the client has chosen; undefined if there is only one. */
  readonly sim?: string | undefined;
  /** The address that the client connected to, and the client's own address. */
  readonly local: string;
  readonly remote: string;
  readonly sockets: DatagramSockets;
  readonly ports: Pick<DatagramPorts, 'bind'>;
  readonly resolve: (name: string, signal: AbortSignal) => ReturnType<Resolve>;
  readonly log: ProxyLog;
  readonly onFailure: () => void;
  /** Counts the datagrams that any association drops. */
  readonly drops?: DropCounter<UdpDropReason> | undefined;
  /** Called once, when the association has ended. */
  readonly onOver: () => void;
}

export class UdpAssociation {
  readonly #options: UdpAssociationOptions;
  readonly #client: string;
  readonly #start = performance.now();
  readonly #ended = new AbortController();
  #relaySocket: DatagramSocket | undefined;
  #relay: UdpRelay | undefined;

  constructor(options: UdpAssociationOptions) {
    this.#options = options;
    this.#client = clientName(options.socket);
  }

  /** Opens the relay and replies to the client. */
  start(): void {
    const { socket } = this.#options;
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
    this.#options.socket.destroySoon();
    if (this.#relay !== undefined) this.#logEnd(this.#relay);
    this.#options.onOver();
  }

  async #open(): Promise<void> {
    const { sockets, ports, local, socket } = this.#options;
    try {
      const relaySocket = await sockets.open({ address: local, port: 0 });
      this.#relaySocket = relaySocket;
      const relay = this.#createRelay(relaySocket);
      const port = await ports.bind(relay.handleTunnel);
      relay.open(port);
      this.#relay = relay;
      if (this.#ended.signal.aborted) {
        this.#closeRelay();
        return;
      }
      const address = Uint8Array.from(ipaddr.parse(local).toByteArray());
      socket.write(requestReply(REPLY.succeeded, { address, port: relaySocket.localPort }));
    } catch (error) {
      this.#refuse(failedDial(error));
    }
  }

  #createRelay(socket: DatagramSocket): UdpRelay {
    const { remote, port, resolve } = this.#options;
    // Without a reader, an error of the socket means that datagrams were lost, as they may be.
    socket.onError = () => undefined;
    return new UdpRelay({
      client: { address: remote, port },
      socket,
      resolve: (name) => resolve(name, this.#ended.signal),
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
    const { log, onFailure, onOver, socket } = this.#options;
    const { reason, message } = failure;
    onFailure();
    log.warn({ reason, ...this.#parties() }, `cannot open a UDP association: ${message}`);
    endWith(socket, requestReply(replyOf(failure)));
    onOver();
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

  #parties(target?: DialTarget) {
    return partiesOf(this.#client, target, this.#options.sim);
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
