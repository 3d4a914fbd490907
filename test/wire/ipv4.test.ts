import {
  createIpv4Header,
  finishIpv4Header,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HasMoreFragments,
  ipv4HeaderError,
  ipv4Identification,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  writeIpv4Fragment,
} from '../../src/wire/ipv4.js';

/** A header with a known checksum, b861. */
const KNOWN = Uint8Array.of(
  ...[0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11],
  ...[0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7],
);

function known(change: (packet: Uint8Array) => void = () => undefined): Uint8Array {
  const packet = new Uint8Array(0x73);
  packet.set(KNOWN);
  change(packet);
  return packet;
}

it('writes the known header', () => {
  const source = Uint8Array.of(192, 168, 0, 1);
  const header = createIpv4Header(source, Uint8Array.of(192, 168, 0, 199), 17);
  finishIpv4Header(header, 0, 0x73);
  expect(header).toEqual(KNOWN);
});

it('reads the known header', () => {
  const packet = known();
  expect(ipv4HeaderError(packet)).toBeUndefined();
  expect(ipv4TotalLength(packet, 0)).toBe(0x73);
  expect(ipv4Protocol(packet, 0)).toBe(17);
  expect([...ipv4Source(packet, 0)]).toEqual([192, 168, 0, 1]);
  expect([...ipv4Destination(packet, 0)]).toEqual([192, 168, 0, 199]);
  expect(ipv4IsFragment(packet, 0)).toBe(false);
});

it.each([
  ['ip-checksum', known((packet) => (packet[8] = 63))],
  ['ip-truncated', known().subarray(0, 0x72)],
  ['ip-truncated', known().subarray(0, 19)],
  ['ip-truncated', known((packet) => (packet[0] = 0x44))],
  ['ip-truncated', known((packet) => packet.set([0, 19], 2))],
])('reports %s', (reason, packet) => {
  expect(ipv4HeaderError(packet)).toBe(reason);
});

it.each([
  ['more fragments', 0x20, 0x00],
  ['an offset', 0x00, 0x01],
])('recognizes a fragment by %s', (_, high, low) => {
  expect(
    ipv4IsFragment(
      known((packet) => packet.set([high, low], 6)),
      0,
    ),
  ).toBe(true);
});

it('writes a fragment, and a fragment that is a whole packet', () => {
  const packet = known();
  writeIpv4Fragment(packet, 0, { start: 1480, more: true }, 0xbeef);
  expect([...packet.subarray(4, 8)]).toEqual([0xbe, 0xef, 0x20, 185]);
  expect(ipv4FragmentOffset(packet, 0)).toBe(1480);
  expect(ipv4HasMoreFragments(packet, 0)).toBe(true);
  expect(ipv4Identification(packet, 0)).toBe(0xbeef);
  writeIpv4Fragment(packet, 0, { start: 0, more: false }, 0xbeef);
  expect(ipv4IsFragment(packet, 0)).toBe(false);
  expect(ipv4HasMoreFragments(packet, 0)).toBe(false);
});

it('sums a header with its options', () => {
  const packet = new Uint8Array(24);
  packet.set(KNOWN);
  packet[0] = 0x46;
  packet.set([0x94, 0x04, 0, 0], 20);
  finishIpv4Header(packet, 0, 24);
  expect(ipv4HeaderError(packet)).toBeUndefined();
  packet[20] = 0x95;
  expect(ipv4HeaderError(packet)).toBe('ip-checksum');
});
