import type { Duplex } from 'node:stream';

import type { Secret } from '../lib/secrets/secret.js';
import type { IpAddress, SocketAddress } from '../wire/ip-address.js';

/**
 * What the Arc side of the emulator stands on: a WireGuard responder on a UDP socket, with a
 * TCP/IP stack behind it. The stack answers ICMP echo at each of its addresses by itself.
 */
export interface ArcNetwork {
  /** Where the responder listens, outside of the tunnel. */
  readonly endpoint: { readonly address: string; readonly port: number };
  /** The responder's static X25519 public key, as it is now. */
  readonly publicKey: Uint8Array;

  /**
   * Gives the responder another static X25519 key. Peers are forgotten, with their sessions: whoever
   * is to be let in is added again.
   */
  setPrivateKey(privateKey: Secret<Uint8Array>): void;

  /** Lets a peer in. Its allowed IPs are `address` alone, as a /32. */
  addPeer(peer: ArcPeer): void;

  /** Forgets a peer with its handshakes, keys and greatest timestamp. */
  removePeer(publicKey: Uint8Array): void;

  /** Accepts TCP connections at one of the stack's addresses, as streams with half-close. */
  listenTcp(local: SocketAddress, onConnection: ConnectionHandler): void;

  /** Receives UDP datagrams at one of the stack's addresses. */
  bindUdp(local: SocketAddress, onDatagram: DatagramHandler): void;

  /** Resolves when the socket is closed; no handler is called afterwards. */
  close(): Promise<void>;
}

export interface ArcPeer {
  readonly publicKey: Uint8Array;
  readonly address: IpAddress;
}

export type ConnectionHandler = (stream: Duplex, remote: SocketAddress) => void;

export type DatagramHandler = (
  payload: Uint8Array,
  from: SocketAddress,
  reply: (payload: Uint8Array) => void,
) => void;

export interface ArcNetworkOptions {
  /** The UDP address outside of the tunnel; port 0 takes any free one. */
  readonly listen: { readonly address: string; readonly port: number };
  /** The responder's static X25519 private key, 32 bytes. */
  readonly privateKey: Secret<Uint8Array>;
  /** The addresses of the stack inside the tunnel. */
  readonly addresses: readonly IpAddress[];
}

/** @throws Error with the system's `code` where the UDP address cannot be had (EADDRINUSE …) */
export type CreateArcNetwork = (options: ArcNetworkOptions) => Promise<ArcNetwork>;
