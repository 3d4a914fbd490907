import {
  encodeRequest,
  type NetlinkRequest,
} from '../../../../src/system/linux/interface/netlink-message.js';
import {
  linkAlias,
  linkMtu,
  linkUp,
  newLink,
} from '../../../../src/system/linux/interface/link-messages.js';
import {
  decodeRoute,
  deleteRoute,
  deleteRule,
  newAddress,
  newRoute,
  newRule,
} from '../../../../src/system/linux/interface/rtnetlink-messages.js';
import { parseIpPrefix } from '../../../../src/wire/ip-address.js';
import { fromHex, toHex } from '../../../support/hex.js';

const SEQUENCE = 0x6b087c82;

const prefix = (text: string) => parseIpPrefix(text)!;

// What ip of iproute2 6.15 sends for the command, recorded by `strace -e trace=sendmsg -e write=3`
// on x86-64. The interface has the index 2.
it.each<[string, NetlinkRequest, string]>([
  [
    'ip link set d0 up',
    linkUp(2),
    `20000000 10000500 827c086b 00000000
     00000000 02000000 01000000 01000000`,
  ],
  [
    'ip link add name wg0 type wireguard',
    newLink('wg0', 'wireguard'),
    `3c000000 10000506 827c086b 00000000
     00000000 00000000 00000000 00000000
     08000300 77673000 14001200 0d000100 77697265 67756172 64000000`,
  ],
  [
    'ip link set dev v0 alias arctun',
    linkAlias(44, 'arctun'),
    `2c000000 10000500 827c086b 00000000
     00000000 2c000000 00000000 00000000 0a001400 61726374 756e0000`,
  ],
  [
    'ip link set d0 mtu 1420',
    linkMtu(2, 1420),
    `28000000 10000500 827c086b 00000000
     00000000 02000000 00000000 00000000 08000400 8c050000`,
  ],
  [
    'ip address add 10.1.2.3/32 dev d0',
    newAddress(2, prefix('10.1.2.3/32')),
    `28000000 14000506 827c086b 00000000
     02200000 02000000 08000200 0a010203 08000100 0a010203`,
  ],
  [
    'ip -6 address add 2001:db8::1/128 dev d0',
    newAddress(2, prefix('2001:db8::1/128')),
    `40000000 14000506 827c086b 00000000
     0a800000 02000000 14000200 20010db8 00000000 00000000 00000001
     14000100 20010db8 00000000 00000000 00000001`,
  ],
  [
    'ip route add 10.0.0.0/8 dev d0',
    newRoute({ destination: prefix('10.0.0.0/8'), interfaceIndex: 2 }),
    `2c000000 18000506 827c086b 00000000
     02080000 fe03fd01 00000000 08000100 0a000000 08000400 02000000`,
  ],
  [
    'ip route add 0.0.0.0/0 dev d0 table 51820 metric 77',
    newRoute({ destination: prefix('0.0.0.0/0'), interfaceIndex: 2, table: 51820, metric: 77 }),
    `3c000000 18000506 827c086b 00000000
     02000000 0003fd01 00000000 08000100 00000000 08000f00 6cca0000
     08000600 4d000000 08000400 02000000`,
  ],
  [
    'ip -6 route add 2001:db8:1::/48 dev d0 table 51820',
    newRoute({ destination: prefix('2001:db8:1::/48'), interfaceIndex: 2, table: 51820 }),
    `40000000 18000506 827c086b 00000000
     0a300000 00030001 00000000 14000100 20010db8 00010000 00000000 00000000
     08000f00 6cca0000 08000400 02000000`,
  ],
  [
    'ip route del 10.0.0.0/8 dev d0',
    deleteRoute({ destination: prefix('10.0.0.0/8'), interfaceIndex: 2 }),
    `2c000000 19000500 827c086b 00000000
     02080000 fe00ff00 00000000 08000100 0a000000 08000400 02000000`,
  ],
  [
    'ip -4 rule add not fwmark 51820 table 51820',
    newRule({ family: 4, fwmark: 51820, isInverted: true, table: 51820 }),
    `2c000000 20000506 827c086b 00000000
     02000000 00000001 02000000 08000a00 6cca0000 08000f00 6cca0000`,
  ],
  [
    'ip -4 rule add table main suppress_prefixlength 0',
    newRule({ family: 4, table: 254, suppressPrefixLength: 0 }),
    `24000000 20000506 827c086b 00000000
     02000000 fe000001 00000000 08000e00 00000000`,
  ],
  [
    'ip -6 rule del not fwmark 51820 table 51820',
    deleteRule({ family: 6, fwmark: 51820, isInverted: true, table: 51820 }),
    `2c000000 21000500 827c086b 00000000
     0a000000 00000000 02000000 08000a00 6cca0000 08000f00 6cca0000`,
  ],
])('sends the same request as %s', (_command, request, hex) => {
  expect(toHex(encodeRequest(request, SEQUENCE))).toBe(toHex(fromHex(hex)));
});

it('reads a route, and ignores other messages', () => {
  const message = { type: 24, flags: 0, sequence: 1 };
  const body = '02180000 fe030001 00000000 08000100 0a010200 08000500 c0000201 08000400 07000000';
  expect(decodeRoute({ ...message, body: fromHex(body) })).toEqual({
    destination: prefix('10.1.2.0/24'),
    interfaceIndex: 7,
    gateway: Uint8Array.of(192, 0, 2, 1),
    table: 254,
    metric: 0,
    protocol: 3,
    isUnreachable: false,
  });
  // With another protocol, of the type 7, as `ip route add unreachable 10.1.2.0/24 proto 110`.
  const refusing = body.replace('fe030001', 'fe6e0007');
  expect(decodeRoute({ ...message, body: fromHex(refusing) })).toMatchObject({
    protocol: 110,
    isUnreachable: true,
  });
  // A route of the cache.
  const cached = body.replace('00000000 ', '00020000 ');
  expect(decodeRoute({ ...message, body: fromHex(cached) })).toBeUndefined();
  expect(decodeRoute({ ...message, type: 20, body: fromHex(body) })).toBeUndefined();
  expect(decodeRoute({ ...message, body: fromHex('02180000') })).toBeUndefined();
  // An attribute that claims more bytes than the message has.
  const broken = '0a000000 fe030001 00000000 ff000400 07000000';
  expect(decodeRoute({ ...message, body: fromHex(broken) })).toEqual({
    destination: prefix('::/0'),
    interfaceIndex: undefined,
    gateway: undefined,
    table: 254,
    metric: 0,
    protocol: 3,
    isUnreachable: false,
  });
});
