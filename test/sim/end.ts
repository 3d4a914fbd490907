/** One of the two ends: a machine with its clocks, and the process on it that runs a Device. */
import type { Crypto } from '../../src/crypto/crypto.js';
import type { WallClock } from '../../src/ports/clock.js';
import type { IpPrefix } from '../../src/wire/ip-address.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import { Device, type DeviceOptions, type Peer } from '../../src/wireguard/device.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { Random } from './random.js';
import { recordingCrypto, type KeyWatcher } from './recording-crypto.js';

export type Side = 'alice' | 'bob';

export const SIDES: readonly Side[] = ['alice', 'bob'];

export function otherSide(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

/** Makes the device under test; another one than Device itself shows that an invariant holds it. */
export type CreateDevice = (options: DeviceOptions, side: Side) => Device;

export const createDevice: CreateDevice = (options) => new Device(options);

export interface EndOptions {
  readonly side: Side;
  readonly seed: number;
  readonly crypto: Crypto;
  readonly createDevice: CreateDevice;
  readonly privateKey: Uint8Array;
  readonly peerPublicKey: Uint8Array;
  readonly presharedKey: Uint8Array | undefined;
  /** ms; 0 is off. */
  readonly persistentKeepalive: number;
  /** By this part its wall clock is too fast, or too slow where it is negative. */
  readonly clockDrift: number;
  readonly mtu: number;
  readonly endpoint: Endpoint;
  /** Where the peer is, as configured; absent where it has to speak first. */
  readonly peerEndpoint: Endpoint | undefined;
  readonly peerAllowedIps: readonly IpPrefix[];
}

/** What the end's device gives out, and what is to be seen of its keys. */
export interface EndSink extends KeyWatcher {
  transmitted(end: End, bytes: Uint8Array, destination: Endpoint): void;
}

/** Where the wall clocks start, at virtual time 0. */
const WALL_CLOCK_START = Date.UTC(2026, 0, 1);

/** What the device is being asked to do. */
export type Trigger = 'start' | 'offer' | 'datagram' | 'timeout';

export class End {
  readonly side: Side;
  readonly options: EndOptions;
  /** Counts processes: no two draw the same random numbers. */
  incarnation = 0;
  endpoint: Endpoint;
  trigger: Trigger = 'start';
  /** Asleep until then, in virtual time; undefined while awake. */
  asleepUntil: number | undefined;
  #device!: Device;
  #peer!: Peer;
  /** How long its monotonic clock has stood still, the sleep under way included. */
  #sleptFor = 0;
  #wallClockStep = 0;
  #lastTimestamp: Uint8Array | undefined;
  readonly #sink: EndSink;
  /** Virtual time, as of the last input. */
  #virtualNow = 0;

  constructor(options: EndOptions, sink: EndSink) {
    this.side = options.side;
    this.options = options;
    this.endpoint = options.endpoint;
    this.#sink = sink;
    this.#start();
  }

  get device(): Device {
    return this.#device;
  }

  /** The other end, as this one's device knows it. */
  get peer(): Peer {
    return this.#peer;
  }

  get isAsleep(): boolean {
    return this.asleepUntil !== undefined;
  }

  /** The monotonic clock of this machine. */
  get now(): number {
    return this.#virtualNow - this.#sleptFor;
  }

  /** Lets virtual time pass on this end. */
  at(virtualNow: number): this {
    this.#virtualNow = virtualNow;
    return this;
  }

  /** When the device wants to be called, in virtual time. */
  nextTimeout(): number {
    return this.isAsleep ? Infinity : this.#device.nextTimeout() + this.#sleptFor;
  }

  stepWallClock(by: number): void {
    this.#wallClockStep += by;
  }

  /** The machine sleeps: monotonic time stands still, the wall clock goes on. */
  sleep(until: number): void {
    this.asleepUntil = until;
    this.#sleptFor += until - this.#virtualNow;
  }

  wake(): void {
    this.asleepUntil = undefined;
  }

  /** A new process on the same machine. Only the last time stamp outlives the old one. */
  restart(how: 'stop' | 'crash'): void {
    if (how === 'stop') this.#device.close();
    this.incarnation++;
    this.#start();
  }

  #start(): void {
    const { options } = this;
    const stream = new Random(options.seed, this.side === 'alice' ? 11 : 12, this.incarnation);
    const wallClock: WallClock = {
      unixMilliseconds: () => {
        const passed = this.#virtualNow * (1 + options.clockDrift);
        return WALL_CLOCK_START + Math.floor(passed) + this.#wallClockStep;
      },
    };
    this.trigger = 'start';
    this.#device = options.createDevice(
      {
        privateKey: options.privateKey,
        crypto: recordingCrypto(options.crypto, this, this.#sink),
        entropy: seededEntropy(stream.uint32()),
        wallClock,
        mtu: options.mtu,
        lastTimestamp: this.#lastTimestamp,
        observer: {
          timestamp: (timestamp) => {
            this.#lastTimestamp = timestamp.slice();
            this.#sink.tell('stamped', this, timestamp);
          },
        },
        sink: {
          transmit: (bytes, destination) => this.#sink.transmitted(this, bytes, destination),
          deliver: (packet) => this.#sink.tell('delivered', this, packet),
        },
      },
      this.side,
    );
    this.#peer = this.#device.addPeer(
      {
        publicKey: options.peerPublicKey,
        allowedIps: options.peerAllowedIps,
        persistentKeepalive: options.persistentKeepalive,
        ...(options.presharedKey && { presharedKey: options.presharedKey }),
        ...(options.peerEndpoint && { endpoint: options.peerEndpoint }),
      },
      this.now,
    );
  }
}
