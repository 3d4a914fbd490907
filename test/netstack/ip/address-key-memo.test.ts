import fc from 'fast-check';

import { AddressKeyMemo } from '../../../src/netstack/ip/address-key-memo.js';
import { addressKey } from '../../../src/wire/ip-address.js';

it('returns the key of each address, whatever was looked up before', () => {
  const octet = fc.constantFrom(0, 1, 255);
  const address = fc.oneof(
    fc.array(octet, { minLength: 4, maxLength: 4 }),
    fc
      .array(octet, { minLength: 2, maxLength: 2 })
      .map(([first, last]) => [first!, ...new Array<number>(14).fill(0), last!]),
  );
  fc.assert(
    fc.property(fc.array(address, { maxLength: 30 }), (addresses) => {
      const memo = new AddressKeyMemo();
      // The caller reuses the bytes.
      const packet = new Uint8Array(18);
      for (const bytes of addresses.map((octets) => Uint8Array.from(octets))) {
        packet.set(bytes, 1);
        expect(memo.keyAt(packet, 1, bytes.length)).toBe(addressKey(bytes));
      }
    }),
    { numRuns: 100, seed: 3 },
  );
});
