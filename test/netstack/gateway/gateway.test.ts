/** A stack as a gateway, which leads to another stack. */
import { packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import type {
  ConnectionAttempt,
  DatagramFlow,
  ForeignEcho,
} from '../../../src/netstack/gateway/gateway.js';
import { Stack } from '../../../src/netstack/stack.js';
import type { TcpConnection, TcpObserver } from '../../../src/netstack/tcp/connection.js';
import type { UdpError } from '../../../src/netstack/udp/udp-socket.js';
import { formatIpAddress, type IpAddress } from '../../../src/wire/ip-address.js';
import { PROTOCOL_UDP } from '../../../src/wire/ipv4.js';
import { silentObserver } from '../../support/fakes/silent-observer.js';
import { ip, seededEntropy } from '../../support/pairs/netstack-pair.js';
import { isIntact, udp, v4 } from '../packets.js';

const HOST = ip('10.77.0.2');
const HOST_V6 = ip('fd00:77::2');
const TARGET = { address: ip('203.0.113.7'), port: 443 };
const TARGET_V6 = { address: ip('2001:db8::7'), port: 443 };

class Lab {
  readonly attempts: ConnectionAttempt[] = [];
  readonly flows: DatagramFlow[] = [];
  readonly echoes: ForeignEcho[] = [];
  /** Called for each first datagram. */
  onFlow: (flow: DatagramFlow) => void = () => undefined;
  readonly gateway: Stack;
  readonly host: Stack;
  /** The packets from the gateway. */
  readonly replies: Uint8Array[] = [];
  now = 1_000;

  constructor(connections = 64) {
    const shared = { mtu: 1_500, limits: { connections } };
    this.gateway = new Stack(
      {
        ...shared,
        addresses: [ip('169.254.0.53')],
        entropy: seededEntropy(1),
        gateway: {
          onConnect: (attempt) => this.attempts.push(attempt),
          onDatagram: (flow) => {
            this.flows.push(flow);
            this.onFlow(flow);
          },
          onEcho: (echo) => this.echoes.push(echo),
        },
      },
      this.now,
    );
    const addresses = [HOST, HOST_V6];
    const limits = { connections: 10_000 };
    this.host = new Stack({ ...shared, limits, addresses, entropy: seededEntropy(2) }, this.now);
  }

  settle(): void {
    for (let isMoving = true; isMoving;) {
      isMoving = this.#carry(this.host, this.gateway);
      isMoving = this.#carry(this.gateway, this.host, this.replies) || isMoving;
    }
  }

  pass(duration: number): void {
    this.now += duration;
    for (const stack of [this.host, this.gateway]) stack.handleTimeout(this.now);
    this.settle();
  }

  connect(target = TARGET): { events: string[]; connection: TcpConnection } {
    const events: string[] = [];
    const observer: TcpObserver = {
      established: () => events.push('established'),
      readable: () => events.push('readable'),
      writable: () => undefined,
      remoteClosed: () => events.push('remoteClosed'),
      closed: (reason) => events.push(reason),
    };
    const connection = this.host.connectTcp(target, observer, this.now);
    this.settle();
    return { events, connection };
  }

  #carry(from: Stack, to: Stack, copies: Uint8Array[] = []): boolean {
    const packets: Uint8Array[] = [];
    from.drain((slot) => packets.push(packetInSlot(slot).slice()), this.now);
    for (const packet of packets) {
      expect(isIntact(packet)).toBe(true);
      to.handlePacket(packet, this.now);
    }
    copies.push(...packets);
    return packets.length > 0;
  }
}

const nothing = (): void => undefined;
const ends = ({ address, port }: { address: IpAddress; port: number }): string =>
  `${formatIpAddress(address)} ${port}`;

describe.each([
  ['IPv4', HOST, TARGET],
  ['IPv6', HOST_V6, TARGET_V6],
])('TCP over %s', (_family, source, target) => {
  it('reports an attempt, and does not reply before it is settled', () => {
    const lab = new Lab();
    const { events } = lab.connect(target);
    lab.pass(1_100);
    expect(lab.attempts).toHaveLength(1);
    expect(ends(lab.attempts[0]!.target)).toBe(ends(target));
    expect(lab.attempts[0]!.source.address).toEqual(source);
    expect(lab.replies).toEqual([]);
    expect(events).toEqual([]);
  });

  it('connects after accept(), and carries data both ways', () => {
    const lab = new Lab();
    const { events, connection } = lab.connect(target);
    let accepted: TcpConnection | undefined;
    lab.attempts[0]!.accept(
      (opened) => {
        accepted = opened;
        return silentObserver;
      },
      () => events.push('abandoned'),
      lab.now,
    );
    lab.settle();
    expect(events).toEqual(['established']);
    expect(ends(accepted!.local)).toBe(ends(target));
    connection.send(Uint8Array.of(1, 2, 3));
    accepted!.send(Uint8Array.of(4, 5));
    lab.settle();
    expect(accepted!.receive(10, lab.now)).toEqual(Uint8Array.of(1, 2, 3));
    expect(connection.receive(10, lab.now)).toEqual(Uint8Array.of(4, 5));
    expect(lab.gateway.usage.listeners).toBe(0);
  });

  it('replies with RST after refuse()', () => {
    const lab = new Lab();
    const { events } = lab.connect(target);
    lab.attempts[0]!.refuse(lab.now);
    lab.settle();
    expect(events).toEqual(['refused']);
  });

  it('replies with an ICMP error after unreachable()', () => {
    const lab = new Lab();
    const { events } = lab.connect(target);
    lab.attempts[0]!.unreachable('host', lab.now);
    lab.settle();
    expect(events).toEqual(['unreachable']);
  });
});

describe('TCP', () => {
  it('reports a new attempt after an ignored one', () => {
    const lab = new Lab();
    lab.connect();
    lab.attempts[0]!.ignore();
    lab.pass(1_100);
    expect(lab.replies).toEqual([]);
    expect(lab.attempts).toHaveLength(2);
  });

  it('limits the number of unanswered attempts', () => {
    const lab = new Lab();
    for (let count = 0; count < 300; count++) lab.connect();
    expect(lab.attempts).toHaveLength(256);
  });

  it('abandons an attempt if the connection limit is reached', () => {
    const lab = new Lab(1);
    lab.connect();
    lab.connect();
    const abandoned: number[] = [];
    for (const [index, attempt] of lab.attempts.entries()) {
      const onAbandoned = () => abandoned.push(index);
      attempt.accept(() => silentObserver, onAbandoned, lab.now);
    }
    lab.settle();
    expect(abandoned).toEqual([1]);
  });

  it('abandons an accepted attempt if the client has given up', () => {
    const lab = new Lab();
    const { connection } = lab.connect();
    connection.abort(lab.now);
    const abandoned: string[] = [];
    const accept = () => {
      abandoned.push('accepted');
      return silentObserver;
    };
    lab.attempts[0]!.accept(accept, () => abandoned.push('abandoned'), lab.now);
    lab.settle();
    expect(abandoned).toEqual(['abandoned']);
    expect(lab.gateway.usage.connections).toBe(0);
  });

  it('reports an attempt from a port whose last connection is in TIME-WAIT', () => {
    const lab = new Lab();
    const open = (localPort: number) => {
      const options = { localPort };
      const connection = lab.host.connectTcp(TARGET, silentObserver, lab.now, options);
      lab.settle();
      return connection;
    };
    const first = open(40_000);
    lab.attempts[0]!.accept(
      (accepted) => {
        accepted.shutdown();
        return silentObserver;
      },
      nothing,
      lab.now,
    );
    lab.settle();
    first.shutdown();
    lab.settle();
    expect(lab.gateway.usage).toMatchObject({ connections: 0, timeWaits: 1 });
    // The next initial sequence number is higher.
    lab.pass(100);
    open(40_000);
    expect(lab.attempts).toHaveLength(2);
    lab.attempts[1]!.accept(() => silentObserver, nothing, lab.now);
    lab.settle();
    expect(lab.gateway.usage).toMatchObject({ connections: 1, timeWaits: 0 });
  });

  it('answers a segment for an unknown connection with RST', () => {
    const lab = new Lab();
    const { events, connection } = lab.connect();
    lab.attempts[0]!.accept(() => silentObserver, nothing, lab.now);
    lab.settle();
    lab.gateway.close(lab.now);
    connection.send(Uint8Array.of(1));
    lab.settle();
    expect(events).toEqual(['established', 'reset']);
  });
});

describe('UDP', () => {
  it('gives the first datagram to the socket that the handler opens', () => {
    const lab = new Lab();
    const seen: unknown[] = [];
    lab.onFlow = ({ source, target }) => {
      const options = { localAddress: target.address, localPort: target.port };
      const socket = lab.gateway.connectUdp(
        source,
        (payload) => {
          seen.push([...payload]);
          socket.send(Uint8Array.of(9));
        },
        nothing,
        options,
      );
    };
    const replies: unknown[] = [];
    const socket = lab.host.bindUdp({ port: 0 }, (payload, from) =>
      replies.push([...payload], ends(from)),
    );
    socket.sendTo(Uint8Array.of(1), TARGET);
    socket.sendTo(Uint8Array.of(2), TARGET);
    lab.settle();
    expect(seen).toEqual([[1], [2]]);
    expect(replies).toEqual([[9], ends(TARGET), [9], ends(TARGET)]);
    expect(lab.flows).toHaveLength(1);
    expect(ends(lab.flows[0]!.source)).toBe(`10.77.0.2 ${socket.port}`);
  });

  it.each([
    ['network', 'unreachable', 0],
    ['host', 'unreachable', 1],
    ['port', 'port-unreachable', 3],
    ['prohibited', 'unreachable', 13],
  ] as const)('reports later why a datagram cannot be delivered: %s', (reason, kind, code) => {
    const lab = new Lab();
    lab.onFlow = ({ source, target }) => {
      const options = { localAddress: target.address, localPort: target.port };
      lab.gateway.connectUdp(source, nothing, nothing, options);
    };
    const errors: UdpError[] = [];
    const socket = lab.host.bindUdp({ port: 0 }, nothing, (error) => errors.push(error));
    // The error quotes only the beginning of a long datagram.
    socket.sendTo(new Uint8Array(1_400), TARGET);
    lab.settle();
    expect(errors).toEqual([]);
    lab.flows[0]!.unreachable(reason, lab.now);
    lab.settle();
    expect(errors).toEqual([{ kind, code, remote: TARGET }]);
    expect(lab.replies.at(-1)!.length).toBe(576);
  });

  it.each([
    ['network', 0],
    ['host', 3],
    ['port', 4],
    ['prohibited', 1],
  ] as const)('reports over IPv6 why a datagram cannot be delivered: %s', (reason, code) => {
    const lab = new Lab();
    const errors: UdpError[] = [];
    lab.onFlow = ({ source, target }) => {
      const options = { localAddress: target.address, localPort: target.port };
      lab.gateway.connectUdp(source, nothing, nothing, options);
    };
    const socket = lab.host.bindUdp({ port: 0 }, nothing, (error) => errors.push(error));
    socket.sendTo(Uint8Array.of(1), TARGET_V6);
    lab.settle();
    lab.flows[0]!.unreachable(reason, lab.now);
    lab.settle();
    expect(errors).toMatchObject([{ code, remote: TARGET_V6 }]);
  });

  it('replies with port unreachable if the handler does not open a socket', () => {
    const lab = new Lab();
    const errors: UdpError[] = [];
    const socket = lab.host.bindUdp({ port: 0 }, nothing, (error) => errors.push(error));
    socket.sendTo(Uint8Array.of(1), TARGET);
    lab.settle();
    expect(errors).toMatchObject([{ kind: 'port-unreachable' }]);
  });

  it.each([
    [0, 9],
    [9, 0],
  ])('does not report a datagram from port %s to port %s', (from, to) => {
    const lab = new Lab();
    const between = { from: HOST, to: TARGET.address };
    lab.gateway.handlePacket(
      v4(PROTOCOL_UDP, udp([from, to], [1], false, between), between),
      lab.now,
    );
    expect(lab.flows).toEqual([]);
  });

  it("does not report datagrams for the gateway's own address", () => {
    const lab = new Lab();
    const errors: UdpError[] = [];
    const socket = lab.host.bindUdp({ port: 0 }, nothing, (error) => errors.push(error));
    socket.sendTo(Uint8Array.of(1), { address: ip('169.254.0.53'), port: 99 });
    lab.settle();
    expect(lab.flows).toEqual([]);
    expect(errors).toMatchObject([{ kind: 'port-unreachable' }]);
  });
});

describe('ping', () => {
  it.each([
    ['IPv4', TARGET.address],
    ['IPv6', TARGET_V6.address],
  ])('replies over %s only when told to', (_family, address) => {
    const lab = new Lab();
    const got: unknown[] = [];
    const events = { onReply: (reply: object) => got.push(reply), onError: nothing };
    const socket = lab.host.openEcho(address, events);
    socket.send(7, Uint8Array.of(1, 2));
    lab.settle();
    expect(got).toEqual([]);
    const [echo] = lab.echoes;
    expect(echo).toMatchObject({ target: address, sequence: 7, payload: Uint8Array.of(1, 2) });
    expect(echo!.reply(Uint8Array.of(1, 2))).toBe(true);
    lab.settle();
    expect(got).toMatchObject([{ sequence: 7, payload: Uint8Array.of(1, 2) }]);
  });

  it('reports an unreachable host', () => {
    const lab = new Lab();
    const got: unknown[] = [];
    const handlers = { onReply: nothing, onError: (error: object) => got.push(error) };
    lab.host.openEcho(TARGET.address, handlers).send(1, Uint8Array.of(1));
    lab.settle();
    lab.echoes[0]!.unreachable('host', lab.now);
    lab.settle();
    expect(got).toMatchObject([{ sequence: 1 }]);
  });

  it("answers for the gateway's own address", () => {
    const lab = new Lab();
    const got: unknown[] = [];
    const handlers = { onReply: (reply: object) => got.push(reply), onError: nothing };
    lab.host.openEcho(ip('169.254.0.53'), handlers).send(1, Uint8Array.of(1));
    lab.settle();
    expect(lab.echoes).toEqual([]);
    expect(got).toHaveLength(1);
  });
});

it('answers for more addresses than it remembers', () => {
  const lab = new Lab(2);
  const first = lab.connect();
  lab.attempts[0]!.accept(() => silentObserver, nothing, lab.now);
  lab.settle();
  const second = lab.connect({ ...TARGET, address: ip('203.0.113.8') });
  const socket = lab.host.bindUdp({ port: 0 }, nothing);
  for (let count = 0; count < 20_000; count++) {
    const address = Uint8Array.of(198, 18, count >> 8, count & 0xff);
    socket.sendTo(Uint8Array.of(1), { address, port: 9 });
    lab.settle();
  }
  expect(lab.flows).toHaveLength(20_000);
  // The addresses of an open connection and of an unanswered attempt are kept.
  first.connection.send(Uint8Array.of(1));
  lab.attempts[1]!.accept(() => silentObserver, nothing, lab.now);
  lab.settle();
  expect(first.events).toEqual(['established']);
  expect(second.events).toEqual(['established']);
  expect(lab.attempts).toHaveLength(2);
});
