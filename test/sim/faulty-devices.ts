/** Devices with one fault each, and the invariant that must detect it: each invariant can fail. */
import type { TransportKey } from '../../src/crypto/crypto.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { Device, type DeviceOptions } from '../../src/wireguard/device.js';
import { DATA as DATA_LAYOUT } from '../../src/wireguard/messages.js';
import { DATA, RESPONSE } from '../support/message-types.js';
import type { HourKind } from './plan.js';
import type { Scenario } from './scenario.js';

type Create = (options: DeviceOptions) => Device;

/** A device whose output goes through `deliver`. */
export function delivering(
  deliver: (packet: Uint8Array, give: (packet: Uint8Array) => void) => void,
): Create {
  return (options) =>
    new Device({
      ...options,
      sink: {
        transmit: (...message) => options.sink.transmit(...message),
        deliver: (packet, peer) => deliver(packet, (bytes) => options.sink.deliver(bytes, peer)),
      },
    });
}

/** A device that accepts unauthentic messages. */
export function openingAll(options: DeviceOptions): Device {
  const transportKey = (bytes: Uint8Array): TransportKey => {
    const key = options.crypto.transportKey(bytes);
    return {
      seal: key.seal.bind(key),
      wipe: key.wipe.bind(key),
      open: (...parameters) => {
        key.open(...parameters);
        return true;
      },
    };
  };
  return new Device({ ...options, crypto: { ...options.crypto, transportKey } });
}

/** Uses each counter for two messages. */
function repeatingCounters(options: DeviceOptions): Device {
  const transmit: DeviceOptions['sink']['transmit'] = (bytes, ...outer) => {
    const low = DATA_LAYOUT.counter;
    if (bytes[0] === DATA) bytes[low] = bytes[low]! & 0xfe;
    options.sink.transmit(bytes, ...outer);
  };
  return new Device({ ...options, sink: { ...options.sink, transmit } });
}

/** Reads a wrong wall clock every other time. */
function startled(options: DeviceOptions): Device {
  let looks = 0;
  const unixMilliseconds = (): number =>
    options.wallClock.unixMilliseconds() + 2_000 * (looks++ & 1);
  return new Device({ ...options, wallClock: { unixMilliseconds } });
}

/** Its sessions appear younger or older than they are, from `after` ms on. */
function misjudgingAge(after: number, by: number): Create {
  class MisjudgesAge extends Device {
    override sendPackets(slots: readonly Uint8Array[], now: number): void {
      for (const { keypairs } of this.peers) {
        const { current } = keypairs;
        if (current !== undefined && now - current.createdAt >= after) current.sleptFor(-by);
      }
      super.sendPackets(slots, now);
    }
  }
  return (options) => new MisjudgesAge(options);
}

/** Never counts its handshake attempts. */
class Tireless extends Device {
  override handleTimeout(now: number): void {
    for (const peer of this.peers) peer.timers.handshakeWanted();
    super.handleTimeout(now);
  }
}

/** Receives nothing in its first two minutes. */
class Deaf extends Device {
  #firstAt: number | undefined;

  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    this.#firstAt ??= now;
    if (now - this.#firstAt >= 120_000) super.handleDatagrams(datagrams, now);
  }
}

/** After an hour and a half, sends an initiation every minute, whatever the timers say. */
class Restless extends Device {
  #next = 90 * 60_000;

  override nextTimeout(): number {
    return Math.min(super.nextTimeout(), this.#next);
  }

  override handleTimeout(now: number): void {
    super.handleTimeout(now);
    if (now < this.#next) return;
    this.#next = now + 60_000;
    for (const peer of this.peers) this.initiateHandshake(peer, now);
  }
}

/** Misses every other response. */
class HardOfHearing extends Device {
  #responses = 0;

  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    const heard = datagrams.filter(({ bytes }) => bytes[0] !== RESPONSE || this.#responses++ % 2);
    super.handleDatagrams(heard, now);
  }
}

export interface Fault {
  readonly fault: string;
  readonly createDevice: Create;
  /** The kind of hour in which the fault shows. */
  readonly kind: HourKind;
  readonly scenario?: Partial<Scenario>;
  readonly invariant: string;
  /** A seed with which the fault shows soon; 7 by default. */
  readonly seed?: number;
}

const NO_KEEPALIVE = { persistentKeepalives: { alice: 0, bob: 0 } };

export const FAULTS: readonly Fault[] = [
  {
    fault: 'delivers each packet twice',
    createDevice: delivering((packet, give) => {
      const copy = packet.slice();
      give(packet);
      give(copy);
    }),
    kind: 'steady',
    invariant: 'delivery',
  },
  {
    fault: 'accepts unauthentic messages',
    createDevice: openingAll,
    kind: 'rough',
    invariant: 'delivery',
  },
  {
    fault: 'uses one counter for two messages',
    createDevice: repeatingCounters,
    kind: 'steady',
    invariant: 'nonces',
  },
  {
    fault: 'forgets its last timestamp in a restart',
    createDevice: (options) => new Device({ ...options, lastTimestamp: undefined }),
    kind: 'clocks',
    invariant: 'stamps',
    seed: 4,
  },
  {
    fault: 'detects clock jumps that did not happen',
    createDevice: startled,
    kind: 'steady',
    invariant: 'clock-jumps',
  },
  {
    fault: 'sends under an old key',
    createDevice: misjudgingAge(179_000, 1_000),
    kind: 'partitions',
    invariant: 'key-ages',
  },
  {
    fault: 'never rekeys',
    createDevice: misjudgingAge(110_000, 10_000),
    kind: 'steady',
    invariant: 'timer-rules',
  },
  {
    fault: 'never gives up',
    createDevice: (options) => new Tireless(options),
    kind: 'partitions',
    scenario: NO_KEEPALIVE,
    invariant: 'timer-rules',
    seed: 3,
  },
  {
    fault: 'receives nothing for two minutes after a start',
    createDevice: (options) => new Deaf(options),
    kind: 'steady',
    invariant: 'recovery',
  },
  {
    fault: 'sends while idle',
    createDevice: (options) => new Restless(options),
    kind: 'idle',
    scenario: NO_KEEPALIVE,
    invariant: 'silence',
  },
  {
    fault: 'misses every other response',
    createDevice: (options) => new HardOfHearing(options),
    kind: 'steady',
    invariant: 'rekeys',
  },
];
