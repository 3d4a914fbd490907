/** Incoming errors: who receives them, and which are ignored (RFC 5927, RFC 8201 4). */
import { ip } from '../../support/pairs/netstack-pair.js';
import type { TcpConnection, TcpObserver } from '../../../src/netstack/tcp/connection.js';
import { Host, ICMP, icmp, ICMPV6, icmpv6, long, PEER_V4, PEER_V6, v4, v6 } from '../packets.js';

const FAMILIES = [
  ['IPv4', PEER_V4, 28],
  ['IPv6', PEER_V6, 48],
] as const;

/** An error from a router about `packet`. */
function error(
  packet: Uint8Array,
  [type, code]: readonly [number, number],
  parameter = 0,
): Uint8Array {
  const rest = [...long(parameter), ...packet.subarray(0, 500)];
  const isIpv6 = packet[0]! >> 4 === 6;
  const router = { from: isIpv6 ? ip('fd00::99') : ip('10.0.0.99') };
  return isIpv6
    ? v6(ICMPV6, icmpv6(type, code, rest, router), router)
    : v4(ICMP, icmp(type, code, rest), router);
}

function tooBig(packet: Uint8Array, mtu: number): Uint8Array {
  return error(packet, packet[0]! >> 4 === 6 ? [2, 0] : [3, 4], mtu);
}

/** An observer that records its calls. */
class Noting implements TcpObserver {
  readonly events: string[] = [];
  connection: TcpConnection | undefined;
  established = (): void => void this.events.push('established');
  readable = (): void => undefined;
  writable = (): void => undefined;
  remoteClosed = (): void => undefined;
  closed = (reason: string): void => void this.events.push(`closed:${reason}`);
}

describe.each(FAMILIES)('a UDP socket of %s', (family, peer, headers) => {
  const isIpv6 = family === 'IPv6';
  const remote = { address: peer, port: 9 };

  function sending(): { host: Host; errors: unknown[]; packet: Uint8Array } {
    const host = new Host();
    const errors: unknown[] = [];
    const socket = host.stack.bindUdp(
      { port: 5 },
      () => undefined,
      (told) => errors.push(told),
    );
    socket.sendTo(new Uint8Array(1420 - headers), remote);
    return { host, errors, packet: host.sends()[0]! };
  }

  it.each([
    ['port-unreachable', isIpv6 ? [1, 4] : [3, 3]],
    ['unreachable', isIpv6 ? [1, 3] : [3, 1]],
    ['unreachable', isIpv6 ? [1, 0] : [3, 0]],
    ['time-exceeded', isIpv6 ? [3, 0] : [11, 0]],
    ['other', isIpv6 ? [4, 1] : [12, 0]],
    ...(isIpv6 ? [['other', [100, 7]] as const] : []),
  ] as const)('receives %s', (kind, message) => {
    const { host, errors, packet } = sending();
    host.receives(error(packet, message as [number, number]));
    expect(errors).toEqual([{ kind, code: message[1], remote }]);
    expect(host.drops).toEqual({});
  });

  it('sends fragments if the path MTU is too small (RFC 4443 3.2)', () => {
    const { host, errors, packet } = sending();
    host.receives(tooBig(packet, 1300));
    expect(errors).toEqual([{ kind: 'too-big', code: isIpv6 ? 0 : 4, remote }]);
    expect(host.stack.pathMtu(peer)).toBe(1300);
    const socket = host.stack.bindUdp({ port: 6 }, () => undefined);
    expect(socket.sendTo(new Uint8Array(1420 - headers), remote)).toBe(true);
    expect(host.sends().map(({ length }) => length > 1300)).toEqual([false, false]);
    host.after(600_000);
    expect(host.stack.pathMtu(peer)).toBe(1420);
    socket.sendTo(new Uint8Array(1420 - headers), remote);
    expect(host.sends()).toHaveLength(1);
  });

  it.each<[string, (packet: Uint8Array) => void]>([
    ['to another port', (packet) => packet.set([0, 10], headers - 6)],
    ['from another port', (packet) => packet.set([0, 6], headers - 8)],
    ['to another host', (packet) => (packet[headers - 9]! ^= 1)],
    ['from another host', (packet) => (packet[isIpv6 ? 23 : 15]! ^= 8)],
    ['of another protocol', (packet) => (packet[isIpv6 ? 6 : 9] = 6)],
    ['of a third protocol', (packet) => (packet[isIpv6 ? 6 : 9] = 132)],
    ['of no version', (packet) => (packet[0]! ^= 0x10)],
  ])('ignores an error about a packet %s', (_, change) => {
    const { host, errors, packet } = sending();
    const forged = packet.slice();
    change(forged);
    const rest = [0, 0, 0, 0, ...forged];
    host.receives(isIpv6 ? v6(ICMPV6, icmpv6(1, 4, rest)) : v4(ICMP, icmp(3, 3, rest)));
    expect(errors).toEqual([]);
    expect(host.drops).toEqual({ 'icmp-unmatched': 1 });
  });

  it('ignores an MTU that the packet did not exceed, or below the family’s minimum (RFC 8201 4)', () => {
    const { host, packet } = sending();
    host.receives(tooBig(packet, 1420), tooBig(packet, isIpv6 ? 1279 : 1421));
    expect(host.drops).toEqual({ 'icmp-path-mtu': 2 });
    expect(host.stack.pathMtu(peer)).toBe(1420);
  });
});

describe.each(FAMILIES)('echo over %s', (_, peer, headers) => {
  it('learns the path MTU only for its own destination', () => {
    const host = new Host();
    host.stack.sendEcho(peer, 5, 1, new Uint8Array(1420 - headers));
    const packet = host.sends()[0]!;
    const forged = packet.slice();
    forged[headers - 1]! ^= 1;
    host.receives(tooBig(forged, 1300));
    expect(host.drops).toEqual({ 'icmp-unmatched': 1 });
    host.receives(tooBig(packet, 1300));
    expect(host.stack.pathMtu(peer)).toBe(1300);
  });
});

describe.each(FAMILIES)('TCP over %s', (family, peer) => {
  const isIpv6 = family === 'IPv6';
  const remote = { address: peer, port: 80 };

  it.each([
    ['ends at an unreachable destination', isIpv6 ? [1, 0] : [3, 1], ['closed:unreachable']],
    ['ends at an unreachable port', isIpv6 ? [1, 4] : [3, 3], ['closed:unreachable']],
    ['survives an expired hop limit (RFC 1122 4.2.3.9)', isIpv6 ? [3, 0] : [11, 0], []],
    ['survives a parameter problem', isIpv6 ? [4, 0] : [12, 0], []],
  ] as const)('%s', (_, message, events) => {
    const host = new Host();
    const observer = new Noting();
    host.stack.connectTcp(remote, observer, host.now);
    host.receives(error(host.sends()[0]!, message as [number, number]));
    expect(observer.events).toEqual(events);
    expect(host.drops).toEqual({});
  });
});
