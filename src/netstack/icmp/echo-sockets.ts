/** The echo sockets of a stack, by identifier. */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { type IpAddress, sameAddress } from '../../wire/ip-address.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import { type EchoHandlers, type EchoHost, EchoSocket } from './echo-socket.js';

const IDENTIFIERS = 0x1_0000;

/** The maximum number of open sockets, so that free identifiers are easy to find. */
const MAXIMUM_SOCKETS = 1024;

export interface EchoSocketsOptions {
  readonly addresses: OwnAddresses;
  readonly entropy: Entropy;
}

export class EchoSockets {
  readonly #addresses: OwnAddresses;
  readonly #entropy: Entropy;
  readonly #send: EchoHost['send'];
  readonly #sockets = new Map<number, EchoSocket>();

  /** @param send queues a socket's echo request; false if the request was dropped */
  constructor({ addresses, entropy }: EchoSocketsOptions, send: EchoHost['send']) {
    this.#addresses = addresses;
    this.#entropy = entropy;
    this.#send = send;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** @throws RangeError if no local address has the remote's family, or too many sockets are open */
  open(remote: IpAddress, handlers: EchoHandlers): EchoSocket {
    const localIndex = this.#addresses.select(remote);
    if (this.#sockets.size >= MAXIMUM_SOCKETS)
      throw new RangeError('too many echo sockets are open');
    const identifier = this.#selectIdentifier();
    const address = this.#addresses.at(localIndex);
    const ends = { localIndex, address, identifier, remote: remote.slice() };
    const host: EchoHost = { send: this.#send, close: (closed) => this.#remove(closed) };
    const socket = new EchoSocket(host, ends, handlers);
    this.#sockets.set(identifier, socket);
    return socket;
  }

  /**
   * Finds the socket that sends requests with these fields. RFC 1122 3.2.2.6 and RFC 4443 4.2 leave
   * the use of the identifier to the host; a random identifier makes forged replies unlikely.
   */
  find(localIndex: number, identifier: number, remote: IpAddress): EchoSocket | undefined {
    const socket = this.#sockets.get(identifier);
    if (socket?.localIndex !== localIndex || !sameAddress(socket.remote, remote)) return undefined;
    return socket;
  }

  /** Closes sockets whose local address was removed, and calls their onAddressGone(). */
  addressesChanged(): void {
    for (const socket of [...this.#sockets.values()]) {
      if (socket.isClosed || this.#addresses.isOurs(socket.localIndex)) continue;
      socket.close();
      socket.handlers.onAddressGone?.();
    }
  }

  closeAll(): void {
    for (const socket of [...this.#sockets.values()]) socket.close();
  }

  #remove({ identifier }: EchoSocket): void {
    this.#sockets.delete(identifier);
  }

  /** Returns a random free identifier. Most identifiers are free, so few attempts are needed. */
  #selectIdentifier(): number {
    const start = randomUint32(this.#entropy);
    for (let tries = 0; ; tries++) {
      const identifier = (start + tries) % IDENTIFIERS;
      if (!this.#sockets.has(identifier)) return identifier;
    }
  }
}
