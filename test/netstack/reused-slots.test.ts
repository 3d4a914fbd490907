/** Reused slots contain bytes of earlier packets, which must not appear in later packets. */
import { jest } from '@jest/globals';

import { HostUnreachable } from '../../src/engine/host-unreachable.js';
import { packetInSlot, PacketSlots } from '../../src/lib/packets/packet-slot.js';
import { patternBytes } from '../support/pairs/netstack-pair.js';
import { slotWith } from '../support/pairs/wireguard-pair.js';
import {
  fragmentOf,
  Host,
  icmp,
  ICMP,
  icmpv6,
  ICMPV6,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  udp,
  UDP,
  v4,
  v6,
} from './packets.js';
import {
  ACK,
  Harness,
  MSS_OPTION,
  SACK_TIMESTAMPS_SYN,
  SYN,
  TIMESTAMPS_OPTION,
} from './tcp-harness.js';

const DATA = patternBytes(1000);
const OURS = { from: OUR_V4, to: PEER_V4 };

/** Runs `scenario` on slots that are filled with `byte`. */
function packetsWith(byte: number, scenario: () => Uint8Array[]): Uint8Array[] {
  const slots = new PacketSlots();
  const allocate = slots.allocate.bind(slots);
  const spy = jest
    .spyOn(PacketSlots.prototype, 'allocate')
    .mockImplementation((length) => allocate(length).fill(byte));
  try {
    return scenario();
  } finally {
    spy.mockRestore();
  }
}

function answers(): Uint8Array[] {
  const host = new Host().receives(
    v4(UDP, udp([5, 9], [1, 2], false)),
    v6(UDP, udp([5, 9], [1, 2], true)),
    v4(99, [1, 2, 3]),
    v6(99, [1, 2, 3]),
    v4(ICMP, icmp(8, 0, [1, 2, 3, 4, 5])),
    v6(ICMPV6, icmpv6(128, 0, [1, 2, 3, 4, 5])),
    v4(UDP, [1, 2, 3, 4, 5, 6, 7, 8], { more: true, id: 7 }),
    v6(44, fragmentOf(UDP, [1, 2, 3, 4, 5, 6, 7, 8], { id: 7, start: 0, more: true })),
  );
  return [...host.sends(), ...host.after(70_000).sends()];
}

function datagrams(): Uint8Array[] {
  const host = new Host();
  const socket = host.stack.bindUdp({ port: 9 }, () => undefined);
  const send = (): void => {
    socket.sendTo(DATA, { address: PEER_V4, port: 5 });
    socket.sendTo(DATA, { address: PEER_V6, port: 5 });
    host.stack.sendEcho(PEER_V4, 1, 2, DATA);
  };
  send();
  const whole = host.sends();
  // An error says that the path MTU is 576, so the next packets are fragmented.
  const quoted = [...v4(UDP, udp([9, 5], [...DATA], false, OURS), OURS)];
  host.receives(v4(ICMP, icmp(3, 4, [0, 0, 0x02, 0x40, ...quoted])));
  send();
  return [...whole, ...host.sends()];
}

function segments(): Uint8Array[] {
  const sent: Uint8Array[] = [];
  const take = (h: Harness): void => {
    while (h.stack.drain((slot) => sent.push(packetInSlot(slot).slice()), h.now));
  };
  const open = new Harness().establish({ syn: SACK_TIMESTAMPS_SYN });
  open.connection.send(DATA);
  take(open);
  open.receives({ flags: ACK, seq: 100, data: 10, options: TIMESTAMPS_OPTION(2, 0) });
  take(open);
  // A SYN cookie, because the backlog is full; then resets.
  const busy = new Harness();
  busy.listen(MSS_OPTION(1000), 1);
  busy.peerPort++;
  busy.receives({ flags: SYN, seq: 0, options: SACK_TIMESTAMPS_SYN });
  busy.ourPort = 9;
  busy.receives({ flags: SYN, seq: 0, options: SACK_TIMESTAMPS_SYN });
  busy.receives({ flags: ACK });
  take(busy);
  return sent;
}

function hostUnreachable(): Uint8Array[] {
  const slots = new PacketSlots();
  const packets = [v4(17, [1, 2], OURS), v6(17, [1, 2], { from: OUR_V6, to: PEER_V6 })];
  return packets.map((packet) =>
    packetInSlot(new HostUnreachable(1420).about(slotWith(slots, packet), 0)!),
  );
}

it.each([
  ['answers and ICMP errors', answers, 8],
  ['datagrams, echo requests and their fragments', datagrams, 7],
  ['TCP segments', segments, 5],
  ['errors about unreachable hosts', hostUnreachable, 2],
])('do not appear in %s', (_name, scenario, atLeast) => {
  const expected = packetsWith(0, scenario);
  expect(expected.length).toBeGreaterThanOrEqual(atLeast);
  expect(packetsWith(0xff, scenario)).toEqual(expected);
});
