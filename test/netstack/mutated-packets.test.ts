/** Mutated valid packets: no exception, no growth, few errors. */
import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import { Stack } from '../../src/netstack/stack.js';
import { finishIpv4Header } from '../../src/wire/ipv4.js';
import { ip, seededEntropy, seededRandom } from '../support/pairs/netstack-pair.js';
import {
  fragmentOf,
  Host,
  ICMP,
  icmp,
  ICMPV6,
  icmpv6,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  TCP,
  UDP,
  udp,
  v4,
  v6,
} from './packets.js';
import { silentObserver } from '../support/fakes/silent-observer.js';

const COUNT = 200_000;
const REASSEMBLY_BYTES = 16 * 1024;

/** Packets that a stack sends in normal use: SYNs, datagrams and echoes of both families. */
function sentBy(
  stack: Stack,
  [v4Peer, v6Peer]: readonly [typeof PEER_V4, typeof PEER_V4],
): Uint8Array[] {
  const socket = stack.bindUdp({ port: 0 }, () => undefined);
  for (const address of [v4Peer, v6Peer]) {
    stack.connectTcp({ address, port: 80 }, silentObserver, 0);
    socket.sendTo(new Uint8Array(40), { address, port: 7 });
    stack.sendEcho(address, 1, 2, new Uint8Array(20));
  }
  const sent: Uint8Array[] = [];
  stack.drain((slot) => sent.push(packetInSlot(slot).slice()), 0);
  return sent;
}

function templates(host: Host): Uint8Array[] {
  const ours = sentBy(host.stack, [PEER_V4, PEER_V6]);
  const peer = new Stack(
    { addresses: [PEER_V4, PEER_V6], mtu: 1420, entropy: seededEntropy(5) },
    0,
  );
  const theirs = sentBy(peer, [OUR_V4, OUR_V6]);
  const data = Array.from({ length: 64 }, (_, index) => index);
  const errors = ours.flatMap((packet) => {
    const rest = [0, 0, 5, 20, ...packet];
    return packet[0]! >> 4 === 4
      ? [v4(ICMP, icmp(3, 4, rest)), v4(ICMP, icmp(3, 3, rest)), v4(ICMP, icmp(11, 0, rest))]
      : [v6(ICMPV6, icmpv6(2, 0, rest)), v6(ICMPV6, icmpv6(1, 4, rest))];
  });
  const fragments = [0, 32, 48].flatMap((start) => {
    const piece = { start, more: start < 48, id: 7 };
    const part = udp([5, 7], data, true).slice(start, start + 32);
    return [v4(UDP, part, piece), v6(44, fragmentOf(UDP, part, piece))];
  });
  const chain = [60, 0, 5, 2, 0, 0, 1, 0, 43, 0, 1, 4, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0];
  const extended = v6(0, [...chain, UDP, 0, 0, 0, 0, 0, 0, 9, ...udp([5, 7], data, true)]);
  const alert = v4(UDP, udp([5, 7], data, false), { options: [0x94, 4, 0, 0] });
  const nobody = [v4(UDP, udp([5, 9], data, false)), v6(UDP, udp([5, 9], data, true))];
  return [
    ...nobody,
    ...theirs,
    ...errors,
    ...fragments,
    extended,
    alert,
    v4(TCP, data),
    v6(TCP, data),
  ];
}

it('survives all mutated packets', () => {
  const random = seededRandom(20);
  const below = (limit: number) => Math.floor(random() * limit);
  const host = new Host({ limits: { reassemblyBytes: REASSEMBLY_BYTES, connections: 64 } });
  host.stack.bindUdp(
    { port: 7 },
    () => undefined,
    () => undefined,
  );
  host.stack.listenTcp({ port: 80 }, () => silentObserver);
  const seeds = templates(host);
  let answers = 0;
  let largest = 0;
  let held = 0;
  for (let count = 0; count < COUNT; count++) {
    const packet = seeds[below(seeds.length)]!.slice();
    // Most changes are in the first headers, where they have the most effect.
    for (let changes = below(4); changes > 0; changes--) {
      packet[below(random() < 0.7 ? Math.min(80, packet.length) : packet.length)] = below(256);
    }
    const isIpv4 = packet[0]! >> 4 === 4;
    if (isIpv4 && random() < 0.9 && (packet[0]! & 15) * 4 <= packet.length) {
      finishIpv4Header(packet, 0, random() < 0.9 ? packet.length : below(2000));
    }
    host.stack.handlePacket(
      random() < 0.05 ? packet.subarray(0, below(packet.length)) : packet,
      host.now,
    );
    if (count % 64 === 0) {
      while (
        host.stack.drain((slot) => {
          answers++;
          largest = Math.max(largest, packetInSlot(slot).length);
        }, host.now)
      );
      host.after(count % 64_000 === 0 ? 30_000 : 10);
      held = Math.max(held, host.stack.usage.reassemblyBytes);
    }
  }
  expect(largest).toBeLessThanOrEqual(1420);
  expect(held).toBeGreaterThan(REASSEMBLY_BYTES / 2);
  expect(held).toBeLessThanOrEqual(REASSEMBLY_BYTES);
  expect(answers).toBeGreaterThan(1000);
  // Every reason for dropping an IP, ICMP or UDP packet occurred.
  const untouched = REASONS.filter((reason) => host.stack.drops.of(reason) === 0);
  expect(untouched).toEqual([]);
  // The stack still works.
  host.after(1000).sends();
  const ends = { from: ip('fd00::77') };
  host.receives(v6(ICMPV6, icmpv6(128, 0, [0, 1, 0, 1], ends), ends));
  expect(host.sends()).toHaveLength(1);
}, 30_000);

const REASONS = [
  'ip-version',
  'ip-truncated',
  'ip-checksum',
  'ip-fragment',
  'ip-fragment-duplicate',
  'ip-fragment-memory',
  'ip-fragment-overlap',
  'ip-fragment-timeout',
  'ip-header-chain',
  'ip-extension',
  'ip-routing',
  'ip-no-next-header',
  'ip-source',
  'ip-destination',
  'ip-protocol',
  'icmp-truncated',
  'icmp-checksum',
  'icmp-type',
  'icmp-rate',
  'icmp-unmatched',
  'icmp-path-mtu',
  'udp-truncated',
  'udp-checksum',
  'udp-port',
] as const;
