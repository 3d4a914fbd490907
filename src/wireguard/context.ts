import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { AllowedIps } from './data/allowed-ips.js';
import type { CookieChecker } from './handshake/cookie.js';
import type { Endpoint } from '../ports/datagram.js';
import type { DropCounter } from './drop-reason.js';
import type { EventQueue } from './events.js';
import type { Identity } from './handshake/identity.js';
import type { IndexTable } from './handshake/index-table.js';
import type { Peer } from './peer.js';

/** Where the device's output goes. The sink must not call the device back. */
export interface DeviceSink {
  /** A WireGuard message to be sent, as a Datagram has it. The bytes are the sink's now. */
  transmit(
    bytes: Uint8Array,
    endpoint: Endpoint,
    trafficClass: number,
    isSourceInDoubt: boolean,
  ): void;
  /** An IP packet from `peer`, without padding: a view into the datagram that it came in. */
  deliver(packet: Uint8Array, peer: Peer): void;
  /**
   * A packet from above that goes nowhere, in its slot, for whoever tells its sender so: no peer is
   * routed it, or nobody knows where the peer is.
   */
  unreachable?(slot: Uint8Array, reason: 'no-route' | 'no-endpoint', now: number): void;
}

/** Sees what a device does. It is called at once, and must not call the device back. */
export interface DeviceObserver {
  /**
   * The 12 bytes of each TAI64N stamp before the initiation that bears it is sent, to be kept for the
   * next process.
   */
  readonly timestamp?: ((timestamp: Uint8Array) => void) | undefined;
  /**
   * A private key of a handshake: with it and the static one all can be decrypted. The 32 bytes are
   * wiped afterwards.
   */
  readonly ephemeralKey?: ((privateKey: Uint8Array) => void) | undefined;
  /**
   * A data message came with a receiver index that was never given out here: for a session of somebody
   * else. Anyone who can write our peer's address as the source of a datagram can cause it.
   */
  readonly strangeIndex?: ((source: Endpoint, now: number) => void) | undefined;
}

/** What the parts of one device share. */
export interface DeviceContext {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly sink: DeviceSink;
  /** The longest inner packet; padding never goes beyond it. */
  readonly mtu: number;
  readonly indices: IndexTable<Peer>;
  readonly allowedIps: AllowedIps<Peer>;
  readonly drops: DropCounter;
  readonly events: EventQueue;
  /** Peers by publicKeyText(). */
  readonly peers: Map<string, Peer>;
  readonly sessionsOutliveSleep: boolean | undefined;
  readonly observer: DeviceObserver | undefined;
  /** Replaced together with the private key. */
  identity: Identity;
  cookieChecker: CookieChecker;
}

/** A Map key for 32 bytes of public key. */
export function publicKeyText(publicKey: Uint8Array): string {
  return String.fromCharCode(...publicKey);
}
