/** The endpoints that a socket exchanges datagrams with. */
import { sameBytes } from '../../../lib/same-bytes.js';
import type { Endpoint } from '../../../ports/datagram.js';
import type { SocketAddresses } from './socket-address.js';

/** The maximum number of endpoints, because a sender can use many addresses. */
const MAX_ENDPOINTS = 256;

export interface KnownEndpoint {
  /** The sender's only Endpoint object, so that senders can be compared by reference. */
  readonly endpoint: Endpoint;
  readonly socketAddress: Uint8Array;
  /**
   * The local address that received the endpoint's last datagram, 4 or 16 bytes. The endpoint
   * expects replies from that address. Undefined if the address may be outdated.
   */
  source: Uint8Array | undefined;
}

/** The most recently added endpoints; the oldest endpoint is dropped at the limit. */
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

  /**
   * Finds or adds an endpoint; undefined if its address is invalid or unreachable for the socket.
   */
  find(endpoint: Endpoint): KnownEndpoint | undefined {
    if (this.#lastFound?.endpoint === endpoint) return this.#lastFound.known;
    const known = this.#byText.get(textKey(endpoint)) ?? this.#meet(endpoint);
    if (known !== undefined) this.#lastFound = { endpoint, known };
    return known;
  }

  /** @param socketAddress the bytes that the system wrote, which are copied */
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
    // An address can be written in several ways, so the endpoint may be known under another form.
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
