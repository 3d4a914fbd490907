/** Answers to connections this stack never had, because another host may use the same address. */
import { packetInSlot } from '../../../../src/lib/packets/packet-slot.js';
import { Stack } from '../../../../src/netstack/stack.js';
import type { UnmatchedSegment } from '../../../../src/netstack/stack-options.js';
import { sumPseudoHeader } from '../../../../src/wire/checksum.js';
import { ACK, FIN, finishTcp, PSH, SYN } from '../../../../src/wire/tcp.js';
import { silentObserver } from '../../../support/fakes/silent-observer.js';
import {
  ip,
  LEFT_ADDRESS,
  RIGHT_ADDRESS,
  seededEntropy,
} from '../../../support/pairs/netstack-pair.js';
import { TCP, v4 } from '../../packets.js';
import { segmentBytes } from '../lone-tcb.js';

const [NOW, MTU, SERVICE_PORT] = [1_000, 1_420, 80];

function sharing(isQuiet = true) {
  const seen: UnmatchedSegment[] = [];
  const stack = new Stack(
    {
      addresses: [LEFT_ADDRESS],
      mtu: MTU,
      entropy: seededEntropy(1),
      unmatched: { isQuiet, onUnmatched: (segment) => seen.push(segment) },
    },
    NOW,
  );
  const sends = (): Uint8Array[] => {
    const packets: Uint8Array[] = [];
    stack.drain((slot) => packets.push(packetInSlot(slot).slice()), NOW);
    return packets;
  };
  const connect = () =>
    stack.connectTcp({ address: RIGHT_ADDRESS, port: SERVICE_PORT }, silentObserver, NOW);
  const receives = (flags: number, to: number, from = SERVICE_PORT, address = RIGHT_ADDRESS) => {
    const bytes = segmentBytes({ flags, ack: 7, ports: [from, to] });
    const packet = v4(TCP, bytes, { from: address, to: LEFT_ADDRESS });
    const sum = sumPseudoHeader(address, LEFT_ADDRESS, TCP, bytes.length);
    finishTcp(packet, packet.length - bytes.length, bytes.length, sum);
    stack.handlePacket(packet, NOW);
  };
  return { stack, seen, sends, connect, receives };
}

it('reports each segment once, without answering', () => {
  const { seen, sends, connect, receives, stack } = sharing();
  const { port } = connect().local;
  sends();
  const other = port === 50_000 ? 50_001 : 50_000;
  receives(SYN | ACK, other);
  receives(PSH | ACK, other);
  receives(FIN | ACK, other);
  expect(seen.map(({ isSynAck }) => isSynAck)).toEqual([true, false, false]);
  expect(new Set(seen.map(({ flow }) => flow)).size).toBe(1);
  expect(sends()).toEqual([]);
  expect(stack.drops.of('tcp-port')).toBe(3);
});

it('answers a segment from an unknown remote end, without reporting it', () => {
  const { seen, sends, connect, receives } = sharing();
  connect();
  sends();
  receives(SYN | ACK, 9, SERVICE_PORT + 1);
  receives(SYN | ACK, 9, SERVICE_PORT, ip('10.0.0.77'));
  expect(seen).toEqual([]);
  expect(sends()).toHaveLength(2);
});

it('recognizes a local connection that has ended, and its remote end', () => {
  const { seen, sends, connect, receives } = sharing();
  const connection = connect();
  const { port } = connection.local;
  sends();
  connection.abort(NOW);
  sends();
  receives(SYN | ACK, port);
  expect(seen).toEqual([]);
  receives(SYN | ACK, port === 9 ? 10 : 9);
  expect(seen).toHaveLength(1);
});
