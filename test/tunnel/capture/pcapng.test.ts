/**
 * Compares byte for byte with the blocks of draft-ietf-opsawg-pcapng. In test/interop, tshark reads
 * a file.
 */
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
  wireguardKeyLog,
} from '../../../src/tunnel/capture/pcapng.js';
import { toHex } from '../../support/hex.js';

it('writes a section header (4.1)', () => {
  const bytes = sectionHeader({ application: 'arctun', comment: 'has keys' });
  expect(toHex(bytes)).toBe(
    [
      '0a0d0d0a', // type, the same in both orders
      '38000000',
      '4d3c2b1a', // byte-order magic
      '01000000', // version 1.0
      'ffffffffffffffff', // length of the section: unknown
      '01000800', // opt_comment
      '686173206b657973',
      '04000600', // shb_userappl
      '61726374756e0000',
      '00000000', // opt_endofopt
      '38000000',
    ].join(''),
  );
});

it('writes an interface description of whole IP packets (4.2)', () => {
  const bytes = interfaceDescription({ name: 'in', description: 'inner' });
  expect(toHex(bytes)).toBe(
    [
      '01000000',
      '2c000000',
      '65000000', // LINKTYPE_RAW, reserved
      '00000000', // no snap length
      '02000200', // if_name
      '696e0000',
      '03000500', // if_description
      '696e6e6572000000',
      '00000000',
      '2c000000',
    ].join(''),
  );
});

it.each([
  ['in', '01000000'],
  ['out', '02000000'],
] as const)(
  'writes an enhanced packet with direction %s, its timestamp in two words (4.3)',
  (way, flags) => {
    // 2026-11-25T17:34:11.019004Z
    const microseconds = 1_795_628_051_019_004;
    const bytes = enhancedPacket(1, microseconds, way, Uint8Array.of(0x45, 1, 2, 3, 4));
    expect(toHex(bytes)).toBe(
      [
        '06000000',
        '34000000',
        '01000000', // interface
        '1d610600', // high word
        'fc34213c', // low word
        '05000000', // captured
        '05000000', // original length
        '4501020304000000',
        '02000400', // epb_flags
        flags,
        '00000000',
        '34000000',
      ].join(''),
    );
    expect(0x0006611d * 2 ** 32 + 0x3c2134fc).toBe(microseconds);
  },
);

it('copies the packet', () => {
  const packet = Uint8Array.of(1, 2, 3, 4);
  const bytes = enhancedPacket(0, 0, 'in', packet);
  packet.fill(0);
  expect(toHex(bytes.subarray(28, 32))).toBe('01020304');
});

it('writes a WireGuard key log as secrets (4.7)', () => {
  expect(toHex(wireguardKeyLog('A = b\n'))).toBe(
    [
      '0a000000',
      '1c000000',
      '4c4b4757', // "WGKL" as a number
      '06000000',
      '41203d20620a0000',
      '1c000000',
    ].join(''),
  );
});

it('writes the statistics of an interface (4.6)', () => {
  const counts = { received: 2 ** 32 + 5, dropped: 3 };
  expect(toHex(interfaceStatistics(1, 2 ** 32 + 7, counts))).toBe(
    [
      '05000000',
      '34000000',
      '01000000',
      '01000000',
      '07000000',
      '04000800', // isb_ifrecv
      '0500000001000000',
      '05000800', // isb_ifdrop
      '0300000000000000',
      '00000000',
      '34000000',
    ].join(''),
  );
});
