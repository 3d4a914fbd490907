import { ip } from '../../support/pairs/netstack-pair.js';
import type { SocketAddress } from '../../../src/wire/ip-address.js';
import type { UdpSocket } from '../../../src/netstack/udp/udp-socket.js';
import { Host, OUR_V4, OUR_V6, PEER_V4, PEER_V6, udp, UDP, v4, v6 } from '../packets.js';

const OTHER_V6 = ip('fd00::3');
const REMOTE: SocketAddress = { address: PEER_V6, port: 53 };

/** A host whose sockets record under a name what they receive. */
function noting(): { host: Host; got: string[]; note: (name: string) => () => void } {
  const got: string[] = [];
  return { host: new Host(), got, note: (name) => () => void got.push(name) };
}

function from(address: typeof PEER_V6, ports: [number, number]): Uint8Array {
  const ends = { from: address };
  return address.length === 16
    ? v6(UDP, udp(ports, [1], true, ends), ends)
    : v4(UDP, udp(ports, [1], false, ends), ends);
}

describe('IPv6', () => {
  it('arrives with its source and destination', () => {
    const host = new Host();
    const got: unknown[] = [];
    host.stack.bindUdp({ port: 7 }, (...told) => got.push(told));
    host.receives(v6(UDP, udp([5, 7], [1, 2], true)));
    expect(got).toEqual([[Uint8Array.of(1, 2), { address: PEER_V6, port: 5 }, OUR_V6]]);
  });

  it('always has a checksum (RFC 8200 8.1); in IPv4 it may be absent (RFC 1122 4.1.3.4, RFC 8200 8.1)', () => {
    const { host, got, note } = noting();
    host.stack.bindUdp({ port: 7 }, note('7'));
    const without = (isIpv6: boolean) =>
      udp([5, 7], [1], isIpv6).map((byte, at) => (at === 6 || at === 7 ? 0 : byte));
    host.receives(v6(UDP, without(true)), v4(UDP, without(false)));
    expect(got).toEqual(['7']);
    expect(host.drops).toEqual({ 'udp-checksum': 1 });
  });

  it('uses 48 bytes of the MTU', () => {
    const socket = new Host().stack.bindUdp({ port: 7 }, () => undefined);
    expect(socket.sendTo(new Uint8Array(1420 - 47), REMOTE)).toBe(false);
    expect(socket.sendTo(new Uint8Array(1420 - 48), REMOTE)).toBe(true);
  });
});

describe('a connected socket', () => {
  it('receives only from its remote end', () => {
    const { host, got, note } = noting();
    host.stack.connectUdp(REMOTE, note('connected'), undefined, { localPort: 7 });
    host.receives(from(PEER_V6, [53, 7]));
    expect(got).toEqual(['connected']);
    host.receives(from(PEER_V6, [54, 7]), from(OTHER_V6, [53, 7]), from(PEER_V4, [53, 7]));
    expect(got).toEqual(['connected']);
    expect(host.drops).toEqual({ 'udp-port': 3 });
    expect(host.sends()).toHaveLength(3);
  });

  it('takes precedence over one bound to the address, which takes precedence over one bound to all (udp_any_addr_recv_unicast)', () => {
    const { host, got, note } = noting();
    const all = host.stack.bindUdp({ port: 7 }, note('all'));
    const bound = host.stack.bindUdp({ address: OUR_V6, port: 7 }, note('bound'));
    const connected = host.stack.connectUdp(REMOTE, note('connected'), undefined, { localPort: 7 });
    const arrive = () =>
      host.receives(from(PEER_V6, [53, 7]), from(OTHER_V6, [53, 7]), from(PEER_V4, [53, 7]));
    arrive();
    expect(got.splice(0)).toEqual(['connected', 'bound', 'all']);
    connected.close();
    arrive();
    expect(got.splice(0)).toEqual(['bound', 'bound', 'all']);
    bound.close();
    arrive();
    expect(got.splice(0)).toEqual(['all', 'all', 'all']);
    all.close();
    arrive();
    expect(got).toEqual([]);
    expect(host.stack.usage.udpSockets).toBe(0);
  });

  it('sends only to its remote end', () => {
    const host = new Host();
    const connected = host.stack.connectUdp(REMOTE, () => undefined);
    const bound = host.stack.bindUdp({ port: 7 }, () => undefined);
    expect(connected.remote).toEqual(REMOTE);
    expect(connected.address).toEqual(OUR_V6);
    expect(connected.send(Uint8Array.of(1))).toBe(true);
    const [packet] = host.sends();
    expect(packet!.subarray(24, 40)).toEqual(PEER_V6);
    expect([...packet!.subarray(42, 44)]).toEqual([0, 53]);
    expect(() => connected.sendTo(Uint8Array.of(1), REMOTE)).toThrow(TypeError);
    expect(() => bound.send(Uint8Array.of(1))).toThrow(TypeError);
    connected.close();
    expect(connected.send(Uint8Array.of(1))).toBe(false);
  });

  it('shares its port with sockets to other ends, not with one to the same', () => {
    const host = new Host();
    const open = (remote: SocketAddress) =>
      host.stack.connectUdp(remote, () => undefined, undefined, { localPort: 7 });
    const first = open(REMOTE);
    open({ ...REMOTE, port: 54 });
    open({ ...REMOTE, address: OTHER_V6 });
    expect(() => open(REMOTE)).toThrow(RangeError);
    first.close();
    const again = open(REMOTE);
    // Closing a socket twice does not close another one on its port.
    first.close();
    expect(() => open(REMOTE)).toThrow(RangeError);
    again.close();
    expect(host.stack.usage.udpSockets).toBe(2);
  });

  it('has an unused port, and an address of the same family', () => {
    const host = new Host();
    const ports = new Set<number>();
    for (let count = 0; count < 500; count++) {
      const { port } = host.stack.connectUdp(REMOTE, () => undefined);
      expect(port).toBeGreaterThanOrEqual(49_152);
      ports.add(port);
    }
    expect(ports.size).toBe(500);
    expect(host.stack.connectUdp({ ...REMOTE, address: PEER_V4 }, () => undefined).address).toEqual(
      OUR_V4,
    );
    const onlyV4 = new Host({ addresses: [OUR_V4] });
    expect(() => onlyV4.stack.connectUdp(REMOTE, () => undefined)).toThrow(RangeError);
    expect([onlyV4.stack.hasAddressFor(PEER_V6), onlyV4.stack.hasAddressFor(PEER_V4)]).toEqual([
      false,
      true,
    ]);
  });

  it('receives errors about its own datagrams, not another socket’s (RFC 1122 4.1.3.3)', () => {
    const { host, got, note } = noting();
    const options = { localPort: 7 };
    host.stack.bindUdp({ port: 7 }, () => undefined, note('bound'));
    const socket = host.stack.connectUdp(REMOTE, () => undefined, note('connected'), options);
    const peer = new Host({ addresses: [PEER_V6] });
    socket.send(Uint8Array.of(1));
    peer.receives(...host.sends());
    host.receives(...peer.sends());
    expect(got).toEqual(['connected']);
  });
});

describe('an idle socket', () => {
  function idle(host: Host, events: string[]): UdpSocket {
    return host.stack.bindUdp({ port: 7 }, () => undefined, undefined, {
      idleTimeout: 1000,
      onIdle: () => events.push('idle'),
    });
  }

  it.each<[string, (host: Host, socket: UdpSocket) => void]>([
    ['sends', (_, socket) => void socket.sendTo(Uint8Array.of(1), REMOTE)],
    ['receives', (host) => void host.receives(from(PEER_V6, [5, 7]))],
  ])('stays open when it %s', (_, use) => {
    const host = new Host();
    const events: string[] = [];
    const socket = idle(host, events);
    host.sends();
    host.after(900);
    use(host, socket);
    host.sends();
    expect(host.stack.nextTimeout()).toBe(host.now + 1000);
    host.after(999);
    expect(events).toEqual([]);
    expect(host.after(1).stack.usage.udpSockets).toBe(0);
  });

  it('that was closed by the user reports nothing', () => {
    const host = new Host();
    const events: string[] = [];
    idle(host, events).close();
    host.sends();
    expect(host.stack.nextTimeout()).toBe(Infinity);
    idle(host, events);
    host.sends();
    host.stack.close(host.now);
    host.after(5000);
    expect(events).toEqual([]);
  });
});
