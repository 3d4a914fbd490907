import {
  createIpv4Header,
  finishIpv4Header,
  ipv4Destination,
  ipv4HeaderError,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
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

it('makes the known header', () => {
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
])('says %s', (reason, packet) => {
  expect(ipv4HeaderError(packet)).toBe(reason);
});

it.each([
  ['more fragments', 0x20, 0x00],
  ['an offset', 0x00, 0x01],
])('knows a fragment by %s', (_, high, low) => {
  expect(
    ipv4IsFragment(
      known((packet) => packet.set([high, low], 6)),
      0,
    ),
  ).toBe(true);
});
