import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { AllowedIps } from './data/allowed-ips.js';
import type { CookieChecker } from './handshake/cookie.js';
import type { Endpoint } from '../ports/datagram.js';
import type { DropCounter } from '../lib/drop-counter.js';
import type { DropReason } from './drop-reason.js';
import type { EventQueue } from './events.js';
import type { Identity } from './handshake/identity.js';
import type { IndexTable } from './handshake/index-table.js';
import type { Peer } from './peer.js';
import type { StagedTotal } from './data/staged-queue.js';

/** Receives a device's output. The methods must not call back into the device. */
export interface DeviceSink {
  /** Sends a WireGuard message; parameters as in Datagram. The sink owns `bytes`. */
  transmit(
    bytes: Uint8Array,
    endpoint: Endpoint,
    trafficClass: number,
    isSourceInDoubt: boolean,
  ): void;
  /**
   * Receives an IP packet from `peer`. The packet is a view into the datagram's bytes, without
   * padding, and is valid only during the call.
   */
  deliver(packet: Uint8Array, peer: Peer): void;
  /**
   * Receives a dropped outgoing packet, in its slot, so that its sender can be notified.
   * `no-route`: no peer has the destination in its allowed IPs. `no-endpoint`: the peer's endpoint
   * is unknown.
   */
  unreachable?(slot: Uint8Array, reason: 'no-route' | 'no-endpoint', now: number): void;
}

/** Observes a device. The callbacks run synchronously and must not call back into the device. */
export interface DeviceObserver {
  /** Receives each 12-byte TAI64N timestamp to save, before the initiation is sent. */
  readonly timestamp?: ((timestamp: Uint8Array) => void) | undefined;
  /**
   * Receives a handshake's ephemeral private key, which together with the static key decrypts all
   * traffic of the session. The 32 bytes are wiped afterwards.
   */
  readonly ephemeralKey?: ((privateKey: Uint8Array) => void) | undefined;
  /**
   * Reports a data message whose receiver index this device never allocated, because the message
   * belongs to another session. Anyone who can spoof the peer's address can trigger this callback.
   */
  readonly strangeIndex?: ((source: Endpoint, now: number) => void) | undefined;
}

/** State shared by the parts of one device. */
export interface DeviceContext {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly sink: DeviceSink;
  /**
   * The maximum inner packet length in bytes. Padding never extends a packet beyond this length.
   */
  readonly mtu: number;
  readonly indices: IndexTable<Peer>;
  readonly allowedIps: AllowedIps<Peer>;
  readonly drops: DropCounter<DropReason>;
  readonly events: EventQueue;
  /** Counts the packets of all peers that wait for a handshake. */
  readonly staged: StagedTotal;
  /** The peers, keyed by publicKeyText(). */
  readonly peers: Map<string, Peer>;
  /**
   * Whether a session survives a sleep that is shorter than its remaining lifetime. Enable this
   * only if this process's memory is never cloned: two copies would reuse the same counters. By
   * default, a sleep of at least CLOCK_JUMP ends all sessions.
   */
  readonly sessionsOutliveSleep: boolean | undefined;
  readonly observer: DeviceObserver | undefined;
  /** The device's key pair, replaced when the private key changes. */
  identity: Identity;
  cookieChecker: CookieChecker;
}

/** Returns a 32-byte public key as a string, for use as a Map key. */
export function publicKeyText(publicKey: Uint8Array): string {
  return String.fromCharCode(...publicKey);
}
