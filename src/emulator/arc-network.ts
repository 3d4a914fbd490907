import type { Duplex } from 'node:stream';

import type { Secret } from '../lib/secrets/secret.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import type { IpAddress, SocketAddress } from '../wire/ip-address.js';

/**
 * The network of the emulator's Arc server: a WireGuard responder on a UDP socket, connected to a
 * TCP/IP stack. The stack answers ICMP echo requests at all of its addresses.
 */
export interface ArcNetwork {
  /** The responder's listening address, outside the tunnel. */
  readonly endpoint: { readonly address: string; readonly port: number };
  /** The responder's current static X25519 public key. */
  readonly publicKey: Uint8Array;

  /**
   * Replaces the responder's static X25519 key and removes all peers, which must be added again.
   */
  setPrivateKey(privateKey: Secret<Uint8Array>): void;

  /** Adds a peer, with the /32 prefix of `address` as its only allowed IP. */
  addPeer(peer: ArcPeer): void;

  /** Removes a peer with its handshakes, its keys and its latest handshake timestamp. */
  removePeer(publicKey: Uint8Array): void;

  /** Accepts TCP connections at one of the stack's addresses, as half-closable streams. */
  listenTcp(local: SocketAddress, onConnection: ConnectionHandler): void;

  /** Receives UDP datagrams at one of the stack's addresses. */
  bindUdp(local: SocketAddress, onDatagram: DatagramHandler): void;

  /**
   * Returns when the peer last completed a handshake, in ms since 1970; undefined before its first
   * handshake.
   */
  lastHandshake(publicKey: Uint8Array): number | undefined;

  /** Opens TCP connections from the stack's first address to the peers. */
  readonly dialer: ConfirmingDialer;

  /** Sends datagrams from the stack's first address to the peers. */
  readonly datagramDialer: DatagramDialer;

  /**
   * Sends ICMP echo requests from the stack's first address to a peer, one after another. Resolves
   * with the round-trip time of the first reply in ms; undefined if no reply arrives.
   */
  ping(address: IpAddress, options: ArcPingOptions): Promise<number | undefined>;

  /** Resolves when the socket is closed; no handler is called afterwards. */
  close(): Promise<void>;
}

export interface ArcPeer {
  readonly publicKey: Uint8Array;
  readonly address: IpAddress;
}

export interface ArcPingOptions {
  /** The maximum number of requests. */
  readonly count: number;
  /** Milliseconds to wait for the reply to each request. */
  readonly timeout: number;
}

export type ConnectionHandler = (stream: Duplex, remote: SocketAddress) => void;

export type DatagramHandler = (
  payload: Uint8Array,
  from: SocketAddress,
  reply: (payload: Uint8Array) => void,
) => void;

export interface ArcNetworkOptions {
  /** The UDP address outside the tunnel; port 0 selects a free port. */
  readonly listen: { readonly address: string; readonly port: number };
  /** The responder's static X25519 private key, 32 bytes. */
  readonly privateKey: Secret<Uint8Array>;
  /** The stack's addresses inside the tunnel. */
  readonly addresses: readonly IpAddress[];
}

/** @throws Error with the system's `code` if the UDP address is unavailable (EADDRINUSE …) */
export type CreateArcNetwork = (options: ArcNetworkOptions) => Promise<ArcNetwork>;
