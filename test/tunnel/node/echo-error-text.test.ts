import { echoErrorText } from '../../../src/tunnel/node/echo-error-text.js';
import type { EchoError } from '../../../src/netstack/stack.js';

const FROM = Uint8Array.of(10, 0, 0, 1);

function text(kind: EchoError['kind'], type: number, code: number, isIpv6 = false): string {
  return echoErrorText({ kind, type, code, sequence: 1, from: FROM }, isIpv6);
}

it('uses the words of ping(8)', () => {
  expect(text('unreachable', 3, 1)).toBe('Destination Host Unreachable');
  expect(text('port-unreachable', 3, 3)).toBe('Destination Port Unreachable');
  expect(text('unreachable', 3, 99)).toBe('Dest Unreachable, Bad Code: 99');
  expect(text('time-exceeded', 11, 0)).toBe('Time to live exceeded');
  expect(text('time-exceeded', 11, 1)).toBe('Frag reassembly time exceeded');
  expect(text('too-big', 3, 4)).toBe('Frag needed and DF set');
  expect(text('other', 12, 0)).toBe('ICMP error: type 12, code 0');
});

it('uses the words of ping(8) for IPv6', () => {
  expect(text('unreachable', 1, 3, true)).toBe('Destination unreachable: Address unreachable');
  expect(text('unreachable', 1, 99, true)).toBe('Destination unreachable: Unknown code 99');
  expect(text('time-exceeded', 3, 0, true)).toBe('Time exceeded: Hop limit');
  expect(text('time-exceeded', 3, 1, true)).toBe('Time exceeded: Defragmentation failure');
  expect(text('too-big', 2, 0, true)).toBe('Packet too big');
});
