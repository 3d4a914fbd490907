/** The interface of an invariant: what it observes, and how it reports a violation. */
import type { DeviceEvent } from '../../src/wireguard/device.js';
import type { End, Side, Trigger } from './end.js';
import type { Network } from './network.js';
import type { Hour } from './plan.js';
import type { KeyRecord } from './recording-crypto.js';
import type { Talker } from './traffic.js';

/** The run, as seen by the invariants. */
export interface World {
  readonly seed: number;
  /** ms since the run began. */
  readonly virtualNow: number;
  readonly hour: Hour;
  readonly hourBeganAt: number;
  readonly ends: Readonly<Record<Side, End>>;
  readonly talkers: Readonly<Record<Side, Talker>>;
  readonly network: Network;
  /** The side whose address changes; the other side's never does. */
  readonly mobile: Side;
}

/** A message that an end sent. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly type: number;
}

/** A datagram passed to an end. */
export interface Received {
  readonly type: number;
  readonly length: number;
  /** Receiver index and counter: the first 16 bytes as received. */
  readonly header: Uint8Array;
  readonly isDamaged: boolean;
  /** True if the device found it authentic and new. */
  readonly isAccepted: boolean;
}

export type Incident = 'restarted' | 'asleep' | 'awake' | 'clock-stepped' | 'moved';

/**
 * A rule that holds at all times. Each method, if present, is called at the event that it is named
 * after.
 */
export interface Invariant {
  readonly name: string;
  /** A packet was offered to the end's device, which is called next. */
  offered?(end: End, serial: number): void;
  /** The device is called next. */
  acting?(end: End, trigger: Trigger): void;
  transmitted?(end: End, message: Sent): void;
  /** The device has been called with a datagram. */
  received?(end: End, datagram: Received): void;
  delivered?(end: End, packet: Uint8Array): void;
  event?(end: End, event: DeviceEvent): void;
  /** The device has been called. */
  acted?(end: End, trigger: Trigger): void;
  stamped?(end: End, timestamp: Uint8Array): void;
  keyCreated?(key: KeyRecord): void;
  keyWiped?(key: KeyRecord): void;
  /** A packet was sealed. */
  sealed?(key: KeyRecord, counter: number): void;
  /** A packet was opened and found authentic. */
  opened?(key: KeyRecord): void;
  /** A part of a handshake message was sealed; key and nonce are text. */
  handshakeSealed?(key: string, nonce: string): void;
  incident?(end: End, incident: Incident): void;
  /** All events of this moment are handled. */
  settled?(): void;
  hourBegan?(): void;
  hourEnded?(): void;
}

/** The names of the events, each of which is a method of Invariant. */
export type Happening = Exclude<keyof Invariant, 'name'>;
export type Details<Name extends Happening> = Parameters<NonNullable<Invariant[Name]>>;

/** An invariant was violated. */
export class Violation extends Error {
  readonly invariant: string;
  readonly virtualTime: number;

  constructor(world: World, invariant: string, what: string) {
    const { index, kind } = world.hour;
    super(
      `${invariant}: ${what}\n  seed ${world.seed}, virtual time ${clockText(world.virtualNow)} ` +
        `(${world.virtualNow} ms), hour ${index} (${kind})`,
    );
    this.name = 'Violation';
    this.invariant = invariant;
    this.virtualTime = world.virtualNow;
  }
}

/** Milliseconds as `hh:mm:ss.mmm`. */
export function clockText(milliseconds: number): string {
  const part = (unit: number, modulus: number, width: number): string =>
    String(Math.floor(milliseconds / unit) % modulus).padStart(width, '0');
  return `${part(3_600_000, 1e6, 2)}:${part(60_000, 60, 2)}:${part(1_000, 60, 2)}.${part(1, 1000, 3)}`;
}
