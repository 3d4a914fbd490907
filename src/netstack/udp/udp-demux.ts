import { addressKey, type SocketAddress } from '../../wire/ip-address.js';
import type { UdpSocket } from './udp-socket.js';

/** The index of a socket that is bound to all local addresses. */
export const ANY_ADDRESS = -1;

function localKey(localIndex: number, port: number): number {
  return (localIndex + 1) * 0x10000 + port;
}

/** Encodes both ports and the index of the local address as one number below 2^53. */
function portsKey(localIndex: number, port: number, remotePort: number): number {
  return localKey(localIndex, port) * 0x10000 + remotePort;
}

/** Finds the socket for a datagram. The most specific binding takes precedence. */
export class UdpDemux {
  readonly #bound = new Map<number, UdpSocket>();
  readonly #connected = new Map<number | string, Map<number, UdpSocket>>();
  /** The number of sockets on each port, regardless of address. */
  readonly #users = new Map<number, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param remoteKey the addressKey() of the remote address */
  find(
    localIndex: number,
    port: number,
    remoteKey: number | string,
    remotePort: number,
  ): UdpSocket | undefined {
    return (
      this.#connected.get(remoteKey)?.get(portsKey(localIndex, port, remotePort)) ??
      this.#bound.get(localKey(localIndex, port)) ??
      this.#bound.get(localKey(ANY_ADDRESS, port))
    );
  }

  isUnused(port: number): boolean {
    return !this.#users.has(port);
  }

  /** Whether a socket with the same endpoints exists. */
  isTaken(localIndex: number, port: number, remote: SocketAddress | undefined): boolean {
    if (remote === undefined) return this.#bound.has(localKey(localIndex, port));
    const ports = this.#connected.get(addressKey(remote.address));
    return ports?.has(portsKey(localIndex, port, remote.port)) ?? false;
  }

  add(socket: UdpSocket): void {
    const { localIndex, port, remote } = socket;
    this.#users.set(port, (this.#users.get(port) ?? 0) + 1);
    this.#size++;
    if (remote === undefined) {
      this.#bound.set(localKey(localIndex, port), socket);
      return;
    }
    const key = addressKey(remote.address);
    let ports = this.#connected.get(key);
    if (ports === undefined) {
      ports = new Map();
      this.#connected.set(key, ports);
    }
    ports.set(portsKey(localIndex, port, remote.port), socket);
  }

  remove(socket: UdpSocket): void {
    const { localIndex, port, remote } = socket;
    const users = this.#users.get(port)! - 1;
    if (users > 0) this.#users.set(port, users);
    else this.#users.delete(port);
    this.#size--;
    if (remote === undefined) {
      this.#bound.delete(localKey(localIndex, port));
      return;
    }
    const key = addressKey(remote.address);
    const ports = this.#connected.get(key)!;
    ports.delete(portsKey(localIndex, port, remote.port));
    if (ports.size === 0) this.#connected.delete(key);
  }

  /** All sockets, as a copy that is safe to iterate during changes. */
  all(): UdpSocket[] {
    const connected = [...this.#connected.values()].flatMap((ports) => [...ports.values()]);
    return [...this.#bound.values(), ...connected];
  }
}
