import { addressKey, type SocketAddress } from '../../../wire/ip-address.js';
import type { Tcb } from '../tcb.js';

/**
 * Encodes both ports and the index of the local address as one number below 2^53. For the first
 * address, it has 32 bits with a sign: V8 needs an object for each larger number.
 */
function portsKey(localIndex: number, localPort: number, remotePort: number): number {
  return localIndex * 0x1_0000_0000 + ((localPort << 16) | remotePort);
}

/** Finds a connection by its four-tuple with two map lookups and, for IPv4, without a string. */
export class TcpDemux {
  readonly #byRemote = new Map<number | string, Map<number, Tcb>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param remoteKey the addressKey() of the remote address */
  find(
    localIndex: number,
    localPort: number,
    remoteKey: number | string,
    remotePort: number,
  ): Tcb | undefined {
    const ports = this.#byRemote.get(remoteKey);
    return ports?.get(portsKey(localIndex, localPort, remotePort));
  }

  findAddress(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined {
    return this.find(localIndex, localPort, addressKey(remote.address), remote.port);
  }

  add(tcb: Tcb): void {
    const remote = addressKey(tcb.remote.address);
    let ports = this.#byRemote.get(remote);
    if (ports === undefined) {
      ports = new Map();
      this.#byRemote.set(remote, ports);
    }
    ports.set(portsKey(tcb.localIndex, tcb.local.port, tcb.remote.port), tcb);
    this.#size++;
  }

  remove(tcb: Tcb): void {
    const remote = addressKey(tcb.remote.address);
    const ports = this.#byRemote.get(remote);
    if (!ports?.delete(portsKey(tcb.localIndex, tcb.local.port, tcb.remote.port))) return;
    this.#size--;
    if (ports.size === 0) this.#byRemote.delete(remote);
  }

  /** All connections to a remote address, as a copy that is safe to iterate during changes. */
  allTo(remoteKey: number | string): Tcb[] {
    return [...(this.#byRemote.get(remoteKey)?.values() ?? [])];
  }

  /** All connections, as a copy that is safe to iterate during changes. */
  all(): Tcb[] {
    return [...this.#byRemote.values()].flatMap((ports) => [...ports.values()]);
  }
}
