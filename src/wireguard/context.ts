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
  readonly onTimestamp: ((timestamp: Uint8Array) => void) | undefined;
  readonly onEphemeralKey: ((privateKey: Uint8Array) => void) | undefined;
  readonly onStrangeIndex: ((source: Endpoint, now: number) => void) | undefined;
  /** Replaced together with the private key. */
  identity: Identity;
  cookieChecker: CookieChecker;
}

/** A Map key for 32 bytes of public key. */
export function publicKeyText(publicKey: Uint8Array): string {
  return String.fromCharCode(...publicKey);
}
