import {
  ARC_ALLOWED_IPS,
  DNS_SERVERS,
  PONG_ADDRESS,
  SERVICE_ADDRESSES,
  UNIFIED_ENDPOINT_ADDRESS,
} from '../../src/emulator/services.js';
import { formatIpAddress, parseIpPrefix } from '../../src/wire/ip-address.js';

/** Whether an IPv4 address is in a prefix, computed without the code under test. */
function covers(prefix: string, address: number): boolean {
  const [base = '', length = ''] = prefix.split('/');
  const start = base.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return address >= start && address < start + 2 ** (32 - Number(length));
}

describe('ARC_ALLOWED_IPS', () => {
  it('contains 17 prefixes without bits beyond their length', () => {
    expect(ARC_ALLOWED_IPS).toHaveLength(17);
    for (const text of ARC_ALLOWED_IPS) {
      const prefix = parseIpPrefix(text)!;
      expect(`${formatIpAddress(prefix.address)}/${prefix.prefixLength}`).toBe(text);
    }
  });

  it('covers each address of 100.127.0.0/16 once, except 100.127.10.16, and Endorse', () => {
    const base = ((100 << 24) | (127 << 16)) >>> 0;
    const wrong: string[] = [];
    for (let host = 0; host < 65536; host++) {
      const times = ARC_ALLOWED_IPS.filter((prefix) => covers(prefix, base + host)).length;
      const expected = host === 10 * 256 + 16 ? 0 : 1;
      if (times !== expected) wrong.push(`${host >> 8}.${host & 0xff}: ${times}`);
    }
    expect(wrong).toEqual([]);
    expect(ARC_ALLOWED_IPS).toContain('54.250.252.67/32');
  });
});

it('uses the real addresses of the services', () => {
  expect(formatIpAddress(UNIFIED_ENDPOINT_ADDRESS)).toBe('100.127.69.42');
  expect(formatIpAddress(PONG_ADDRESS)).toBe('100.127.100.127');
  expect(DNS_SERVERS).toEqual(['100.127.0.53', '100.127.1.53']);
  expect(SERVICE_ADDRESSES.map(formatIpAddress)).toEqual([
    '100.127.69.42',
    '100.127.100.127',
    '100.127.0.53',
    '100.127.1.53',
  ]);
});
