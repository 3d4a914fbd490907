import { patternBytes } from '../../support/pairs/netstack-pair.js';
import {
  fragmentOf,
  Host,
  ICMP,
  icmp,
  ICMPV6,
  icmpv6,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  v4,
  v6,
} from '../packets.js';

const ENDS = { from: OUR_V6, to: PEER_V6 };
const ECHO = [0x12, 0x34, 0, 7, 1, 2, 3];

/** Without the flow label, which depends on the stack's secret. */
function unlabelled(packet: Uint8Array): Uint8Array {
  packet.set([packet[0]! & 0xf0, 0, 0, 0]);
  return packet;
}

it('sends an echo request over IPv6 and passes on the reply (RFC 4443 4.1)', () => {
  const host = new Host();
  const replies: unknown[] = [];
  host.stack.onEchoReply = (reply) => replies.push(reply);
  const payload = Uint8Array.of(1, 2, 3);
  expect(host.stack.sendEcho(PEER_V6, 0x1234, 7, payload)).toBe(true);
  const request = host.sends()[0]!;
  expect(request[1]! & 0x0f || request[2]! || request[3]!).not.toBe(0);
  expect(unlabelled(request)).toEqual(v6(ICMPV6, icmpv6(128, 0, ECHO, ENDS), ENDS));
  host.receives(v6(ICMPV6, icmpv6(129, 0, ECHO)));
  expect(replies).toEqual([{ from: PEER_V6, identifier: 0x1234, sequence: 7, payload }]);
  expect(host.stack.sendEcho(PEER_V6, 1, 1, new Uint8Array(1420 - 47))).toBe(false);
  expect(host.stack.sendEcho(PEER_V6, 1, 1, new Uint8Array(1420 - 48))).toBe(true);
});

it('answers a fragmented echo request in full, with fragments (RFC 1122 3.2.2.6)', () => {
  const data = [...patternBytes(3000)];
  const [request, requestV6] = [icmp(8, 0, data), icmpv6(128, 0, data)];
  const place = (start: number) => ({ id: 9, start, more: start < 2000 });
  const host = new Host().receives(
    ...[0, 1000, 2000].map((start) =>
      v4(ICMP, request.slice(start, start + 1000 + (start === 2000 ? 8 : 0)), place(start)),
    ),
    ...[0, 1000, 2000].map((start) =>
      v6(
        44,
        fragmentOf(
          ICMPV6,
          requestV6.slice(start, start + 1000 + (start === 2000 ? 8 : 0)),
          place(start),
        ),
      ),
    ),
  );
  const sent = host.sends();
  expect(sent.every(({ length }) => length <= 1420)).toBe(true);
  expect(sent).toHaveLength(6);
  const whole = sent.slice(0, 3).flatMap((packet) => [...packet.subarray(20)]);
  expect(whole).toEqual(icmp(0, 0, data));
  const wholeV6 = sent.slice(3).flatMap((packet) => [...packet.subarray(48)]);
  expect(wholeV6).toEqual(icmpv6(129, 0, data, ENDS));
});

it.each([
  ['icmp-truncated', v6(ICMPV6, [128, 0, 0, 0, 0, 0, 0])],
  ['icmp-checksum', v6(ICMPV6, icmp(128, 0, ECHO))],
  ['icmp-checksum', v4(ICMP, icmpv6(8, 0, ECHO))],
  ['icmp-type', v6(ICMPV6, icmpv6(200, 0, ECHO))],
  ['icmp-type', v6(ICMPV6, icmpv6(135, 0, ECHO))],
  ['icmp-type', v6(ICMPV6, icmpv6(137, 0, ECHO))],
  ['icmp-type', v4(ICMP, icmp(128, 0, ECHO))],
  ['icmp-type', v4(ICMP, icmp(13, 0, ECHO))],
  [
    'icmp-type',
    v4(ICMP, icmp(4, 0, [0, 0, 0, 0, ...v4(17, [0, 5, 0, 7, 0, 8, 0, 0], { from: PEER_V4 })])),
  ],
  ['icmp-unmatched', v6(ICMPV6, icmpv6(100, 0, ECHO))],
] as const)(
  'drops a packet that is not an echo, as %s (MUST-55, RFC 1122 3.2.2, RFC 4443 2.4, RFC 6633 3)',
  (reason, packet) => {
    const host = new Host().receives(packet);
    expect(host.drops).toEqual({ [reason]: 1 });
    expect(host.sends()).toEqual([]);
  },
);
