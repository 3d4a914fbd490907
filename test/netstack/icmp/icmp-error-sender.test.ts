/** RFC 1122 3.2.2, RFC 4443 2.4: what errors quote, which packets get none, and the rate limit. */
import { patternBytes } from '../../support/pairs/netstack-pair.js';
import {
  Host,
  ICMP,
  icmp,
  ICMPV6,
  icmpv6,
  isIntact,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  udp,
  UDP,
  v4,
  v6,
} from '../packets.js';

const LONG = [...patternBytes(1300)];

it('reports an unused port, and quotes the whole datagram (RFC 1122 3.2.2.1, RFC 1122 4.1.3.1, RFC 4443 2.2, RFC 4443 3.1)', () => {
  const [first, second] = [v4(UDP, udp([5, 9], [1, 2], false)), v6(UDP, udp([5, 9], [1, 2], true))];
  const host = new Host().receives(first, second);
  const [answer, answerV6] = host.sends();
  expect([...answer!.subarray(9, 10), ...answer!.subarray(12, 20)]).toEqual([
    ICMP,
    ...OUR_V4,
    ...PEER_V4,
  ]);
  expect([...answer!.subarray(20)]).toEqual(icmp(3, 3, [0, 0, 0, 0, ...first]));
  const ends = { from: OUR_V6, to: PEER_V6 };
  expect(answerV6).toEqual(v6(ICMPV6, icmpv6(1, 4, [0, 0, 0, 0, ...second], ends), ends));
  expect(host.drops).toEqual({ 'udp-port': 2 });
});

it('quotes up to 576 bytes, in IPv6 1,280, but not beyond the packet (RFC 1122 3.2.2, RFC 4443 2.4)', () => {
  const host = new Host().receives(
    v4(UDP, udp([5, 9], LONG, false)),
    v6(UDP, udp([5, 9], LONG, true)),
    Uint8Array.of(...v4(UDP, udp([5, 9], [], false)), 1, 2, 3),
  );
  const answers = host.sends();
  expect(answers.map(({ length }) => length)).toEqual([576, 1280, 56]);
  expect(answers.every(isIntact)).toBe(true);
});

it('does not answer an error (RFC 1122 3.2.2, RFC 4443 2.4)', () => {
  const quoted = [...v4(UDP, udp([5, 9], [], false))];
  // Fragments that time out, of ICMP errors and of an echo request.
  const fragmentV4 = (type: number) =>
    v4(ICMP, icmp(type, 0, [0, 0, 0, 0]), { more: true, id: type });
  const fragmentV6 = (type: number) =>
    v6(44, [ICMPV6, 0, 0, 1, 0, 0, 0, type, ...icmpv6(type, 0, [0, 0, 0, 0])]);
  const host = new Host().receives(
    v4(ICMP, icmp(3, 3, [0, 0, 0, 0, ...quoted])),
    ...[3, 4, 5, 11, 12].map(fragmentV4),
    ...[1, 2, 3, 4, 100, 137].map(fragmentV6),
  );
  expect(host.after(30_000).sends()).toEqual([]);
  expect(host.drops['ip-fragment-timeout']).toBe(11);
  host.receives(fragmentV4(8), fragmentV6(128));
  expect(host.after(30_000).sends()).toHaveLength(2);
});

it('sends at most 100 errors per second for both families together (RFC 4443 2.4)', () => {
  const host = new Host();
  const packets = [v4(UDP, udp([5, 9], [], false)), v6(UDP, udp([5, 9], [], true))];
  for (let count = 0; count < 60; count++) host.receives(...packets);
  expect(host.sends()).toHaveLength(100);
  expect(host.drops).toEqual({ 'udp-port': 120, 'icmp-rate': 20 });
  host.now += 500;
  for (let count = 0; count < 60; count++) host.receives(...packets);
  expect(host.sends()).toHaveLength(50);
});
