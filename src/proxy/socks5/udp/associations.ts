/** The UDP associations of one listener, with their limits. */
import type { Socket } from 'node:net';

import type { DropCounter } from '../../../lib/drop-counter.js';
import type { DatagramSockets } from '../../../ports/datagram-sockets.js';
import type { ChosenTunnel } from '../../authentication/tunnel-choice.js';
import type { DatagramPorts } from '../../datagram-dialer.js';
import { DialError } from '../../dialer.js';
import type { ProxyLog } from '../../proxy-log.js';
import { readTargetHost } from '../../target-host.js';
import type { UdpDropReason } from './udp-relay.js';
import { UdpAssociation } from './udp-association.js';

const MAX_ASSOCIATIONS = 1024;

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
   * @param client the client's TCP connection and UDP port, or 0 for the port; and the tunnel that it
   * has chosen
   * @param onOver called once, when the association has ended
   * @returns `no-address` if the client is connected to a Unix socket
   */
  open(
    client: {
      readonly socket: Socket;
      readonly port: number;
      readonly via?: Pick<ChosenTunnel, 'datagramPorts' | 'name'> | undefined;
    },
    onOver: () => void,
  ): UdpAssociation | 'too-many' | 'no-address' {
    const { most = MAX_ASSOCIATIONS, ...options } = this.#options;
    const ports = client.via?.datagramPorts ?? options.ports;
    const local = plainAddress(client.socket.localAddress);
    const remote = plainAddress(client.socket.remoteAddress);
    if (local === undefined || remote === undefined || ports === undefined) return 'no-address';
    if (this.#open >= most) return 'too-many';
    this.#open++;
    return new UdpAssociation({
      ...options,
      socket: client.socket,
      port: client.port,
      sim: client.via?.name,
      local,
      remote,
      ports,
      resolve: (name, signal) => this.#resolve(ports, name, signal),
      onOver: () => {
        this.#open--;
        onOver();
      },
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
