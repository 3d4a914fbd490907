/** Hand-written fragments through a whole stack: RFC 791 3.2, RFC 8200 4.5, RFC 5722. */
import { ip, patternBytes } from '../../support/pairs/netstack-pair.js';
import {
  checksum,
  fragmentOf,
  Host,
  ICMP,
  icmpv6,
  ICMPV6,
  isIntact,
  OUR_V6,
  PEER_V6,
  TCP,
  udp,
  UDP,
  v4,
  v6,
} from '../packets.js';

const FRAGMENT = 44;
const OPTIONS = 60;
const DATA = [...patternBytes(200)];
const ROUTER_ALERT = [0x94, 4, 0, 0];

function listening(): { host: Host; arrived: number[][] } {
  const host = new Host();
  const arrived: number[][] = [];
  host.stack.bindUdp({ port: 7 }, (payload) => arrived.push([...payload]));
  return { host, arrived };
}

/** Pieces of `bytes`, by the [start, end] of each. */
function cut(
  bytes: number[],
  ...marks: number[]
): { start: number; data: number[]; more: boolean }[] {
  return marks.map((start, index) => ({
    start,
    data: bytes.slice(start, marks[index + 1]),
    more: index < marks.length - 1,
  }));
}

const V4_PIECES = cut(udp([5, 7], DATA, false), 0, 80, 160).map(({ start, data, more }) =>
  v4(UDP, data, { start, more, id: 77 }),
);
const V6_PIECES = cut(udp([5, 7], DATA, true), 0, 80, 160).map(({ start, data, more }) =>
  v6(FRAGMENT, fragmentOf(UDP, data, { id: 77, start, more })),
);

describe.each([
  ['IPv4', V4_PIECES],
  ['IPv6', V6_PIECES],
])('fragments of %s', (_, pieces) => {
  it.each([
    ['in order', [0, 1, 2]],
    ['backwards', [2, 1, 0]],
    ['the middle last', [2, 0, 1]],
    ['with duplicates', [0, 0, 2, 2, 1]],
  ])('are reassembled %s', (_order, order) => {
    const { host, arrived } = listening();
    host.receives(...order.map((index) => pieces[index]!));
    expect(arrived).toEqual([DATA]);
    expect(host.stack.usage.reassemblyBytes).toBe(0);
    expect(host.stack.nextTimeout()).toBe(Infinity);
    expect(host.sends()).toEqual([]);
  });

  it('are dropped after 30 s; the sender of the first is notified (RFC 1122 3.3.2, RFC 1122 3.3.2b, RFC 8200 4.5)', () => {
    const { host, arrived } = listening();
    host.receives(pieces[0]!, pieces[1]!);
    expect(host.stack.nextTimeout()).toBe(host.now + 30_000);
    host.after(29_999);
    expect(host.stack.usage.reassemblyBytes).toBeGreaterThan(0);
    expect(host.after(1).drops).toEqual({ 'ip-fragment-timeout': 1 });
    expect(host.stack.usage.reassemblyBytes).toBe(0);
    const [error, ...more] = host.sends();
    expect(more).toEqual([]);
    expect(isIntact(error!)).toBe(true);
    const isIpv6 = error![0]! >> 4 === 6;
    const offset = isIpv6 ? 40 : 20;
    expect([...error!.subarray(offset, offset + 2)]).toEqual(isIpv6 ? [3, 1] : [11, 1]);
    expect(error!.subarray(offset + 8)).toEqual(pieces[0]);
    host.receives(pieces[2]!);
    expect(arrived).toEqual([]);
  });

  it('that arrive after the timeout start a new datagram, even if no timer has run', () => {
    const { host, arrived } = listening();
    host.receives(pieces[0]!, pieces[1]!);
    host.now += 30_000;
    host.receives(pieces[2]!);
    expect(arrived).toEqual([]);
    expect(host.drops).toEqual({ 'ip-fragment-timeout': 1 });
  });
});

describe('overlaps are refused (RFC 5722, RFC 8200 4.5, RFC 5722 4)', () => {
  const datagram = udp([5, 7], DATA, true);
  const piece = (start: number, end: number, more = true) =>
    v6(FRAGMENT, fragmentOf(UDP, datagram.slice(start, end), { id: 1, start, more }));

  it.each([
    ['one that begins inside another', [piece(0, 80), piece(72, 160), piece(160, 208, false)]],
    ['one that ends inside another', [piece(80, 160), piece(0, 88), piece(160, 208, false)]],
    ['one around another', [piece(80, 88), piece(72, 160)]],
    ['one inside another', [piece(0, 160), piece(80, 88)]],
    ['the same place with a shorter end', [piece(0, 160), piece(0, 80)]],
    ['data after the end', [piece(160, 168, false), piece(168, 208)]],
    ['an end before data', [piece(160, 208), piece(80, 88, false)]],
    ['two ends', [piece(160, 168, false), piece(80, 88, false)]],
  ])('%s', (_, pieces) => {
    const { host, arrived } = listening();
    host.receives(...pieces);
    expect(host.drops['ip-fragment-overlap']).toBeGreaterThan(0);
    // All later fragments are refused, too.
    host.receives(piece(0, 80), piece(80, 160), piece(160, 208, false));
    expect(arrived).toEqual([]);
    host.after(30_000).receives(piece(0, 80), piece(80, 160), piece(160, 208, false));
    expect(arrived).toEqual([DATA]);
    expect(host.sends()).toEqual([]);
  });
});

describe('malformed fragments', () => {
  it.each([
    ['nothing', v4(UDP, [], { start: 8, id: 1 })],
    ['a length that is not a multiple of eight', v4(UDP, [1, 2, 3], { more: true, id: 1 })],
    ['more than 64 KiB', v4(UDP, new Array<number>(40).fill(0), { start: 65_480, id: 1 })],
  ])('of IPv4 with %s are dropped', (_, packet) => {
    const host = new Host().receives(packet);
    expect(host.drops).toEqual({ 'ip-fragment': 1 });
    expect(host.sends()).toEqual([]);
    expect(host.stack.usage.reassemblyBytes).toBe(0);
  });

  const datagram = udp([5, 7], DATA, true);
  it.each([
    [
      'a length that is not a multiple of eight',
      'ip-fragment',
      0,
      4,
      v6(FRAGMENT, fragmentOf(UDP, [1, 2, 3], { id: 1, start: 0, more: true })),
    ],
    [
      'more than 64 KiB',
      'ip-fragment',
      0,
      42,
      v6(FRAGMENT, fragmentOf(UDP, [...DATA], { id: 1, start: 65_528, more: false })),
    ],
    [
      'no upper layer',
      'ip-header-chain',
      3,
      0,
      v6(
        FRAGMENT,
        fragmentOf(OPTIONS, [UDP, 0, 1, 4, 0, 0, 0, 0], { id: 1, start: 0, more: true }),
      ),
    ],
    [
      'half of the TCP header',
      'ip-header-chain',
      3,
      0,
      v6(FRAGMENT, fragmentOf(TCP, datagram.slice(0, 16), { id: 1, start: 0, more: true })),
    ],
    [
      'half of its options',
      'ip-header-chain',
      3,
      0,
      v6(
        FRAGMENT,
        fragmentOf(OPTIONS, [UDP, 1, 1, 4, 0, 0, 0, 0], { id: 1, start: 0, more: true }),
      ),
    ],
  ])(
    'of IPv6 with %s are answered (RFC 8200 4.5, RFC 7112 5)',
    (_, reason, code, pointer, packet) => {
      const host = new Host().receives(packet);
      expect(host.drops).toEqual({ [reason]: 1 });
      const ends = { from: OUR_V6, to: PEER_V6 };
      const error = icmpv6(4, code, [0, 0, 0, pointer, ...packet], ends);
      expect(host.sends()).toEqual([v6(ICMPV6, error, ends)]);
    },
  );

  it('of IPv6 without data are dropped', () => {
    const empty = fragmentOf(UDP, [], { id: 1, start: 8, more: false });
    expect(new Host().receives(v6(FRAGMENT, empty)).drops).toEqual({ 'ip-fragment': 1 });
  });
});

it('drops a datagram that exceeds 64 KiB because of its first fragment’s headers', () => {
  const { host, arrived } = listening();
  const options = [FRAGMENT, 0, 1, 4, 0, 0, 0, 0];
  const [first, rest] = cut(udp([5, 7], new Array<number>(65_500).fill(1), true), 0, 8);
  const data = [...rest!.data, ...new Array<number>(65_527 - rest!.data.length).fill(0)];
  host.receives(
    v6(FRAGMENT, fragmentOf(UDP, data, { id: 1, start: 8, more: false })),
    v6(OPTIONS, [...options, ...fragmentOf(UDP, first!.data, { id: 1, start: 0, more: true })]),
    v4(UDP, new Array<number>(65_504).fill(0), { id: 1, start: 8 }),
    v4(UDP, first!.data, { id: 1, start: 0, more: true, options: ROUTER_ALERT }),
  );
  expect(arrived).toEqual([]);
  expect(host.drops).toEqual({ 'ip-fragment': 2 });
  expect(host.stack.usage.reassemblyBytes).toBe(0);
});

it('skips IPv4 options, even in fragments (MUST-50, RFC 1122 3.2.1.8)', () => {
  const { host, arrived } = listening();
  host.receives(v4(UDP, udp([5, 7], [1], false), { options: ROUTER_ALERT }));
  const pieces = cut(udp([5, 7], DATA, false), 0, 80);
  const [first, second] = pieces.map(({ start, data, more }) =>
    v4(UDP, data, { start, more, id: 3, options: more ? ROUTER_ALERT : [] }),
  );
  host.receives(second!, first!);
  expect(arrived).toEqual([[1], DATA]);
});

describe('sources that are not a single host (MUST-63, RFC 1122 3.2.1.3, RFC 1122 4.1.3.6)', () => {
  it.each(['0.1.2.3', '127.0.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'])('%s', (text) => {
    const host = new Host().receives(v4(99, [], { from: ip(text) }));
    expect(host.drops).toEqual({ 'ip-source': 1 });
    expect(host.sends()).toEqual([]);
  });

  it.each(['::', '::1', 'ff02::1', '::ffff:10.0.0.2'])('%s', (text) => {
    const host = new Host().receives(v6(99, [], { from: ip(text) }));
    expect(host.drops).toEqual({ 'ip-source': 1 });
    expect(host.sends()).toEqual([]);
  });
});

it('accepts a packet with any hop limit (RFC 1122 3.2.1.7)', () => {
  for (const hops of [0, 1]) {
    const { host, arrived } = listening();
    const [old, young] = [v4(UDP, udp([5, 7], [1], false)), v6(UDP, udp([5, 7], [2], true))];
    old[8] = hops;
    old.set([0, 0], 10);
    old.set(checksum([...old.subarray(0, 20)]), 10);
    young[7] = hops;
    host.receives(old, young);
    expect(arrived).toEqual([[1], [2]]);
  }
});

it('does not answer a multicast or broadcast packet (MUST-57, RFC 1122 3.2.2)', () => {
  const host = new Host().receives(
    v6(99, [], { to: ip('ff02::1') }),
    v6(UDP, udp([5, 9], [1], true, { to: ip('ff02::1') }), { to: ip('ff02::1') }),
    v4(ICMP, [8, 0, 0xf7, 0xff, 0, 0, 0, 0], { to: ip('224.0.0.1') }),
    v4(99, [], { to: ip('255.255.255.255') }),
  );
  expect(host.sends()).toEqual([]);
  expect(host.drops).toEqual({ 'ip-destination': 4 });
});
