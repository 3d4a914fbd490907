/** Data messages under valid session keys, with every kind of invalid content. */
import { REJECT_AFTER_MESSAGES } from '../../../src/wireguard/constants.js';
import { DATA, writeUint32 } from '../../../src/wireguard/messages.js';
import { ipv4, ipv6 } from '../../support/pairs/wireguard-pair.js';
import type { Random } from '../../sim/random.js';
import { WINDOW } from '../counters.js';
import { DEVICE_ADDRESS, LIVE, type Played } from '../cast.js';
import type { Target } from '../target.js';
import { anyBytes, anySource, type FuzzCase } from './case.js';

function anyPacket({ address }: Played, random: Random): Uint8Array {
  const length = random.chance(0.02) ? random.between(1_500, 65_400) : random.between(20, 1_420);
  if (random.chance(0.7)) return ipv4(address, DEVICE_ADDRESS, length);
  const host = address.split('.')[3]!;
  return ipv6(`fd09::${host}`, 'fd09::1', Math.max(40, length));
}

/** With trailing zeros, as padding. */
function padded(packet: Uint8Array, random: Random): Uint8Array {
  const plaintext = new Uint8Array(packet.length + random.below(17));
  plaintext.set(packet);
  return plaintext;
}

function live(target: Target, random: Random): Played {
  return target.played[random.pick(LIVE)];
}

/** Fires a valid message that contains `plaintext`, with its expectation. */
function fireInside(
  target: Target,
  random: Random,
  played: Played,
  plaintext: Uint8Array,
  drop: 'malformed-packet' | 'wrong-source',
): void {
  const { puppet, counters } = played;
  target.fire(puppet.data(plaintext, counters.next()), anySource(random), { drop });
}

export const PACKETS: readonly FuzzCase[] = [
  {
    name: 'a packet, padded and trimmed, from wherever',
    weight: 15,
    play(target, random) {
      const played = live(target, random);
      const packet = anyPacket(played, random);
      const message = played.puppet.data(padded(packet, random), played.counters.next());
      const source = random.chance(0.5) ? played.puppet.endpoint : anySource(random);
      target.fire(message, source, { deliver: packet, from: played.role });
    },
  },
  {
    name: 'a keepalive',
    weight: 3,
    play(target, random) {
      const { puppet, counters } = live(target, random);
      const message = puppet.data(new Uint8Array(0), counters.next());
      target.fire(message, puppet.endpoint, { take: 'silently' });
    },
  },
  {
    name: 'a packet that claims to be longer',
    weight: 4,
    play(target, random) {
      const played = live(target, random);
      const packet = anyPacket(played, random);
      const by = random.between(1, 0xffff - packet.length);
      const isIpv4 = packet[0]! >> 4 === 4;
      const claimed = packet.length + by - (isIpv4 ? 0 : 40);
      packet.set([claimed >> 8, claimed], isIpv4 ? 2 : 4);
      fireInside(target, random, played, packet, 'malformed-packet');
    },
  },
  {
    name: 'an IPv4 packet that claims to be shorter than its header',
    weight: 2,
    play(target, random) {
      const played = live(target, random);
      const packet = ipv4(played.address, DEVICE_ADDRESS, random.between(20, 200));
      packet.set([0, random.below(20)], 2);
      fireInside(target, random, played, packet, 'malformed-packet');
    },
  },
  {
    name: 'neither IPv4 nor IPv6',
    weight: 4,
    play(target, random) {
      const played = live(target, random);
      const bytes = anyBytes(random, random.between(1, 1_400));
      const version = random.pick([0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
      bytes[0] = (version << 4) | (bytes[0]! & 0x0f);
      fireInside(target, random, played, bytes, 'malformed-packet');
    },
  },
  {
    name: 'a packet shorter than a header',
    weight: 2,
    play(target, random) {
      const played = live(target, random);
      const isIpv4 = random.chance(0.5);
      const bytes = anyBytes(random, random.between(1, isIpv4 ? 19 : 39));
      bytes[0] = isIpv4 ? 0x45 : 0x60;
      fireInside(target, random, played, bytes, 'malformed-packet');
    },
  },
  {
    name: 'a source that is not the peer',
    weight: 4,
    play(target, random) {
      const played = live(target, random);
      const other = target.played[played.role === 'server' ? 'client' : 'server'];
      const source = random.pick([
        other.address,
        DEVICE_ADDRESS,
        '8.8.8.8',
        '0.0.0.0',
        '224.0.0.1',
      ]);
      const sourceIpv6 = random.pick([
        'fd09::1',
        '::',
        'ff02::1',
        `fd09::${other.address.slice(7)}`,
      ]);
      const packet = random.chance(0.5)
        ? ipv4(source, DEVICE_ADDRESS, random.between(20, 200))
        : ipv6(sourceIpv6, 'fd09::1', random.between(40, 200));
      fireInside(target, random, played, packet, 'wrong-source');
    },
  },
  {
    name: 'a packet without ECN in a datagram with any traffic class',
    weight: 3,
    play(target, random) {
      const played = live(target, random);
      const packet = anyPacket(played, random);
      const message = played.puppet.data(packet, played.counters.next());
      const trafficClass = random.below(256);
      const expectation =
        (trafficClass & 3) === 3
          ? ({ drop: 'congestion' } as const)
          : { deliver: packet, from: played.role };
      target.fire(message, played.puppet.endpoint, expectation, trafficClass);
    },
  },
];

/** A counter whose message is refused before its tag is verified. */
function counterBeyondLimit(message: Uint8Array, random: Random): void {
  if (random.chance(0.3)) {
    // Exactly the limit, which a number can still represent.
    writeUint32(message, DATA.counter, REJECT_AFTER_MESSAGES >>> 0);
    writeUint32(message, DATA.counter + 4, Math.floor(REJECT_AFTER_MESSAGES / 2 ** 32));
    return;
  }
  writeUint32(message, DATA.counter, random.uint32());
  writeUint32(message, DATA.counter + 4, 2 ** 21 + random.below(2 ** 32 - 2 ** 21));
}

export const COUNTERS: readonly FuzzCase[] = [
  {
    name: 'a counter that was used',
    weight: 10,
    play(target, random) {
      const played = live(target, random);
      const counter = played.counters.used(random);
      if (counter === undefined) return;
      const message = played.puppet.data(anyPacket(played, random), counter);
      target.fire(message, anySource(random), { drop: 'replayed' });
    },
  },
  {
    name: 'a counter behind the window',
    weight: 6,
    play(target, random) {
      const played = live(target, random);
      const counter = played.counters.old(random);
      if (counter === undefined) return;
      const message = played.puppet.data(anyPacket(played, random), counter);
      target.fire(message, anySource(random), { drop: 'replayed' });
    },
  },
  {
    name: 'a counter that was skipped',
    weight: 6,
    play(target, random) {
      const played = live(target, random);
      const counter = played.counters.late(random);
      if (counter === undefined) return;
      const packet = anyPacket(played, random);
      const message = played.puppet.data(packet, counter);
      target.fire(message, played.puppet.endpoint, { deliver: packet, from: played.role });
    },
  },
  {
    name: 'a counter far ahead',
    weight: 3,
    play(target, random) {
      const played = live(target, random);
      const { counters } = played;
      const far = counters.highest < 2 ** 45 && random.chance(0.05) ? 2 ** 40 : WINDOW * 2;
      const packet = anyPacket(played, random);
      const message = played.puppet.data(packet, counters.next(random.between(2, far)));
      target.fire(message, played.puppet.endpoint, { deliver: packet, from: played.role });
    },
  },
  {
    name: 'a counter beyond the limit',
    weight: 3,
    play(target, random) {
      const played = live(target, random);
      const message = played.puppet.data(anyPacket(played, random), 0);
      counterBeyondLimit(message, random);
      target.fire(message, anySource(random), { drop: 'expired-session' });
    },
  },
  {
    name: 'a session that is too old',
    weight: 3,
    play(target, random) {
      const played = target.played.retired;
      if (target.now - played.sessionAt < 180_000) return;
      const message = played.puppet.data(anyPacket(played, random), played.counters.next());
      target.fire(message, anySource(random), { drop: 'expired-session' });
    },
  },
];
