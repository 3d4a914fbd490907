/** Devices with one fault each. */
import type { Crypto, TransportKey } from '../../src/crypto/crypto.js';
import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import type { Datagram } from '../../src/ports/datagram.js';
import { Device, type DeviceOptions } from '../../src/wireguard/device.js';
import { DATA as DATA_LAYOUT } from '../../src/wireguard/messages.js';
import { DATA, RESPONSE } from '../support/message-types.js';
import type { CreateDevice } from './end.js';

/** A device whose output goes through `deliver`. */
export function delivering(
  deliver: (packet: Uint8Array, give: (packet: Uint8Array) => void) => void,
): CreateDevice {
  return (options) =>
    new Device({
      ...options,
      sink: {
        transmit: (...message) => options.sink.transmit(...message),
        deliver: (packet, peer) => deliver(packet, (bytes) => options.sink.deliver(bytes, peer)),
      },
    });
}

/** A device whose packets are sealed and opened by a replaced key. */
export function sealing(replace: (key: TransportKey) => Partial<TransportKey>): CreateDevice {
  return (options) => {
    const transportKey = (bytes: Uint8Array): TransportKey => {
      const key = options.crypto.transportKey(bytes);
      return {
        seal: key.seal.bind(key),
        open: key.open.bind(key),
        wipe: key.wipe.bind(key),
        ...replace(key),
      };
    };
    const crypto: Crypto = { ...options.crypto, transportKey };
    return new Device({ ...options, crypto });
  };
}

/** After an hour and a half, sends an initiation every minute, whatever the timers say. */
export class Restless extends Device {
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

/** Waits two seconds for a response instead of five. */
export class Impatient extends Device {
  #next = Infinity;

  override nextTimeout(): number {
    return Math.min(super.nextTimeout(), this.#next);
  }

  override sendPackets(slots: readonly Uint8Array[], now: number): void {
    super.sendPackets(slots, now);
    this.#wait(now);
  }

  override handleTimeout(now: number): void {
    super.handleTimeout(now);
    if (now < this.#next) return;
    this.#next = Infinity;
    for (const peer of this.peers) {
      if (!peer.handshake.awaitsResponse) continue;
      peer.lastSentHandshake = -Infinity;
      this.initiateHandshake(peer, now);
    }
    this.#wait(now);
  }

  #wait(now: number): void {
    for (const peer of this.peers) {
      if (peer.handshake.awaitsResponse && this.#next === Infinity) this.#next = now + 2_000;
    }
  }
}

/** Never counts its handshake attempts. */
export class Tireless extends Device {
  override handleTimeout(now: number): void {
    for (const peer of this.peers) peer.timers.handshakeWanted();
    super.handleTimeout(now);
  }
}

/** Its timers are three seconds late. */
export class Sluggish extends Device {
  override nextTimeout(): number {
    return super.nextTimeout() + 3_000;
  }
}

/** Receives nothing in its first two minutes. */
export class Deaf extends Device {
  #firstAt: number | undefined;

  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    this.#firstAt ??= now;
    if (now - this.#firstAt >= 120_000) super.handleDatagrams(datagrams, now);
  }
}

/** Misses every other response. */
export class HardOfHearing extends Device {
  #responses = 0;

  override handleDatagrams(datagrams: readonly Datagram[], now: number): void {
    const heard = datagrams.filter(({ bytes }) => bytes[0] !== RESPONSE || this.#responses++ % 2);
    super.handleDatagrams(heard, now);
  }
}

/** Its sessions appear younger or older than they are, from `after` ms on. */
export function misjudgingAge(after: number, by: number): CreateDevice {
  return (options) => {
    class MisjudgesAge extends Device {
      override sendPackets(slots: readonly Uint8Array[], now: number): void {
        for (const { keypairs } of this.peers) {
          const { current } = keypairs;
          if (current === undefined || now - current.createdAt < after) continue;
          current.sleptFor(-by);
        }
        super.sendPackets(slots, now);
      }
    }
    return new MisjudgesAge(options);
  };
}

/** Keeps its keys forever. */
export function hoarding(options: DeviceOptions): Device {
  class Hoards extends Device {
    override handleTimeout(now: number): void {
      for (const peer of this.peers) peer.zeroKeyMaterial = () => undefined;
      super.handleTimeout(now);
    }
  }
  return new Hoards(options);
}

/** Never releases an index. */
export class Leaky extends Device {
  #handshakes = 0;

  override get tableSizes(): Device['tableSizes'] {
    const sizes = super.tableSizes;
    return { ...sizes, sessionIndices: sizes.sessionIndices + this.#handshakes };
  }

  override sendPackets(slots: readonly Uint8Array[], now: number): void {
    super.sendPackets(slots, now);
    for (const peer of this.peers) if (peer.handshake.awaitsResponse) this.#handshakes = 1;
  }
}

/** Delivers the sender's own packets to it. */
export const loopingBack: CreateDevice = (options) => {
  class LoopsBack extends Device {
    override sendPackets(slots: readonly Uint8Array[], now: number): void {
      const [peer] = this.peers;
      for (const slot of slots) options.sink.deliver(packetInSlot(slot).slice(), peer!);
      super.sendPackets(slots, now);
    }
  }
  return new LoopsBack(options);
};

/** Uses each counter for two messages. */
export const repeatingCounters: CreateDevice = (options) =>
  new Device({
    ...options,
    sink: {
      deliver: (packet, peer) => options.sink.deliver(packet, peer),
      transmit: (bytes, ...outer) => {
        const low = DATA_LAYOUT.counter;
        if (bytes[0] === DATA) bytes[low] = bytes[low]! & 0xfe;
        options.sink.transmit(bytes, ...outer);
      },
    },
  });

/** Bytes that are the same in each process. */
export function constantEntropy(): DeviceOptions['entropy'] {
  let next = 0;
  return { fill: (bytes) => void bytes.fill((next = (next + 1) & 0xff)) };
}

/** Reads its wall clock only once; afterwards it follows the monotonic clock. */
export const credulous: CreateDevice = (options) => {
  let now = 0;
  const start = options.wallClock.unixMilliseconds();
  class Credulous extends Device {
    override handleDatagrams(datagrams: readonly Datagram[], at: number): void {
      super.handleDatagrams(datagrams, (now = at));
    }

    override sendPackets(slots: readonly Uint8Array[], at: number): void {
      super.sendPackets(slots, (now = at));
    }

    override handleTimeout(at: number): void {
      super.handleTimeout((now = at));
    }
  }
  return new Credulous({ ...options, wallClock: { unixMilliseconds: () => start + now } });
};

/** Reads a wrong wall clock every other time. */
export const startled: CreateDevice = (options) => {
  let looks = 0;
  const nervous = (): number => options.wallClock.unixMilliseconds() + 2_000 * (looks++ & 1);
  return new Device({ ...options, wallClock: { unixMilliseconds: nervous } });
};
