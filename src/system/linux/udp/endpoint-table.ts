/** What a socket knows of the endpoints that it exchanges datagrams with. */
import { sameBytes } from '../../../lib/same-bytes.js';
import type { Endpoint } from '../../../ports/datagram.js';
import type { SocketAddresses } from './socket-address.js';

/** Endpoints that are kept; anyone can send to us from as many as he likes. */
const MAX_ENDPOINTS = 256;

export interface KnownEndpoint {
  /** One object for one sender, so that comparing senders is comparing pointers. */
  readonly endpoint: Endpoint;
  readonly socketAddress: Uint8Array;
  /**
   * Our address at which its last datagram came in, 4 or 16 bytes: where we have several, it expects
   * answers from that one. Gone where it is in doubt.
   */
  source: Uint8Array | undefined;
}

/** The endpoints that were met last; the oldest goes when there are too many. */
export class EndpointTable {
  readonly #addresses: SocketAddresses;
  readonly #family: number;
  readonly #byText = new Map<string, KnownEndpoint>();
  readonly #byBytes = new Map<string, KnownEndpoint>();
  #lastSender: KnownEndpoint | undefined;
  #lastFound: { readonly endpoint: Endpoint; readonly known: KnownEndpoint } | undefined;

  constructor(addresses: SocketAddresses, family: number) {
    this.#addresses = addresses;
    this.#family = family;
  }

  /** Undefined where its address is no IP address, or is one that the socket cannot reach. */
  find(endpoint: Endpoint): KnownEndpoint | undefined {
    if (this.#lastFound?.endpoint === endpoint) return this.#lastFound.known;
    const known = this.#byText.get(textKey(endpoint)) ?? this.#meet(endpoint);
    if (known !== undefined) this.#lastFound = { endpoint, known };
    return known;
  }

  /** @param socketAddress as the system wrote it; is copied */
  sender(socketAddress: Uint8Array): KnownEndpoint {
    const last = this.#lastSender;
    if (last !== undefined && sameBytes(last.socketAddress, socketAddress)) return last;
    return (this.#lastSender =
      this.#byBytes.get(bytesKey(socketAddress)) ??
      this.#add(this.#addresses.decode(socketAddress), socketAddress.slice()));
  }

  #meet(endpoint: Endpoint): KnownEndpoint | undefined {
    const { address, port } = endpoint;
    const socketAddress = this.#addresses.encode(address, port, this.#family);
    if (socketAddress === undefined) return undefined;
    // One text of several for an address: what is known by another one is the same endpoint.
    return this.#byBytes.get(bytesKey(socketAddress)) ?? this.#add(endpoint, socketAddress);
  }

  #add(endpoint: Endpoint, socketAddress: Uint8Array): KnownEndpoint {
    if (this.#byText.size >= MAX_ENDPOINTS) this.#forgetOldest();
    const known = { endpoint, socketAddress, source: undefined };
    this.#byText.set(textKey(endpoint), known);
    this.#byBytes.set(bytesKey(socketAddress), known);
    return known;
  }

  #forgetOldest(): void {
    for (const [key, { socketAddress }] of this.#byText) {
      this.#byText.delete(key);
      this.#byBytes.delete(bytesKey(socketAddress));
      this.#lastFound = undefined;
      this.#lastSender = undefined;
      return;
    }
  }
}

function textKey({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

function bytesKey(socketAddress: Uint8Array): string {
  return String.fromCharCode(...socketAddress);
}
