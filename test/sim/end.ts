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

/** Creates the device under test; a faulty one shows that an invariant detects it. */
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
  /** The fraction by which the wall clock is too fast, or too slow if negative. */
  readonly clockDrift: number;
  readonly mtu: number;
  readonly endpoint: Endpoint;
  /** The configured endpoint of the peer; absent if the peer must send first. */
  readonly peerEndpoint: Endpoint | undefined;
  readonly peerAllowedIps: readonly IpPrefix[];
}

/** Receives the output of the end's device, and observes its keys. */
export interface EndSink extends KeyWatcher {
  transmitted(end: End, bytes: Uint8Array, destination: Endpoint): void;
}

/** The wall clocks at virtual time 0. */
const WALL_CLOCK_START = Date.UTC(2026, 0, 1);

/** Why the device is called. */
export type Trigger = 'start' | 'offer' | 'datagram' | 'timeout';

export class End {
  readonly side: Side;
  readonly options: EndOptions;
  /** Counts processes, each of which draws different random numbers. */
  incarnation = 0;
  endpoint: Endpoint;
  trigger: Trigger = 'start';
  /** The virtual time until which the end sleeps; undefined while awake. */
  asleepUntil: number | undefined;
  #device!: Device;
  #peer!: Peer;
  /** How long the monotonic clock has stood still, including the current sleep. */
  #sleptFor = 0;
  #wallClockStep = 0;
  #lastTimestamp: Uint8Array | undefined;
  readonly #sink: EndSink;
  /** The virtual time of the last input. */
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

  /** The other end, as known to this end's device. */
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

  /** The virtual time of the device's next deadline. */
  nextTimeout(): number {
    return this.isAsleep ? Infinity : this.#device.nextTimeout() + this.#sleptFor;
  }

  stepWallClock(by: number): void {
    this.#wallClockStep += by;
  }

  /** The machine sleeps: monotonic time stands still, the wall clock continues. */
  sleep(until: number): void {
    this.asleepUntil = until;
    this.#sleptFor += until - this.#virtualNow;
  }

  wake(): void {
    this.asleepUntil = undefined;
  }

  /** Starts a new process on the same machine, which keeps only the last timestamp. */
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
