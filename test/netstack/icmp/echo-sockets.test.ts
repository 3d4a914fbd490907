/** Echo sockets of a stack, against packets written by hand. */
import type { EchoError, EchoSocket } from '../../../src/netstack/stack.js';
import type { SocketEchoReply } from '../../../src/netstack/icmp/echo-socket.js';
import type { IpAddress } from '../../../src/wire/ip-address.js';
import { ip } from '../../support/pairs/netstack-pair.js';
import {
  Host,
  ICMP,
  icmp,
  ICMPV6,
  icmpv6,
  isIntact,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  v4,
  v6,
  word,
} from '../packets.js';

const PAYLOAD = Uint8Array.of(1, 2, 3);
const ROUTER_V4 = ip('10.9.9.9');

interface Opened {
  readonly socket: EchoSocket;
  readonly replies: SocketEchoReply[];
  readonly errors: EchoError[];
  gone: number;
}

function open(host: Host, remote: IpAddress): Opened {
  const replies: SocketEchoReply[] = [];
  const errors: EchoError[] = [];
  const opened: { gone: number } = { gone: 0 };
  const socket = host.stack.openEcho(remote, {
    onReply: (reply) => replies.push(reply),
    onError: (error) => errors.push(error),
    onAddressGone: () => opened.gone++,
  });
  return Object.assign(opened, { socket, replies, errors });
}

const echo = ({ identifier }: EchoSocket, sequence: number) => [
  ...word(identifier),
  ...word(sequence),
  ...PAYLOAD,
];

it.each([
  ['IPv4', PEER_V4],
  ['IPv6', PEER_V6],
])(
  'sends requests and receives the replies over %s (icmpv4_socket_send_recv, RFC 1122 3.2.2.6, RFC 4443 4.2)',
  (_, remote) => {
    const host = new Host();
    const { socket, replies } = open(host, remote);
    expect(socket.send(7, PAYLOAD)).toBe(true);
    const [request] = host.sends();
    const isIpv6 = remote.length === 16;
    expect(isIntact(request!)).toBe(true);
    expect([...request!.subarray(isIpv6 ? 44 : 24)]).toEqual(echo(socket, 7));
    host.receives(
      isIpv6 ? v6(ICMPV6, icmpv6(129, 0, echo(socket, 7))) : v4(ICMP, icmp(0, 0, echo(socket, 7))),
    );
    expect(replies).toEqual([{ sequence: 7, payload: PAYLOAD, hopLimit: 64 }]);
    expect(host.drops).toEqual({});
  },
);

it('gives each socket its own identifier, and delivers replies by it', () => {
  const host = new Host();
  const first = open(host, PEER_V4);
  const second = open(host, PEER_V4);
  expect(first.socket.identifier).not.toBe(second.socket.identifier);
  host.receives(v4(ICMP, icmp(0, 0, echo(second.socket, 1))));
  expect([first.replies.length, second.replies.length]).toEqual([0, 1]);
});

it('drops a reply with another identifier, source or local address, or after close()', () => {
  const host = new Host();
  const other = ip('10.0.0.7');
  host.stack.setAddresses([OUR_V4, other, OUR_V6]);
  const { socket, replies } = open(host, PEER_V4);
  const rest = echo(socket, 1);
  const stranger = [...word(socket.identifier ^ 1), ...rest.slice(2)];
  host.receives(
    v4(ICMP, icmp(0, 0, stranger)),
    v4(ICMP, icmp(0, 0, rest), { from: ROUTER_V4 }),
    v4(ICMP, icmp(0, 0, rest), { to: other }),
  );
  socket.close();
  host.receives(v4(ICMP, icmp(0, 0, rest)));
  expect(replies).toEqual([]);
  expect(host.drops).toEqual({ 'icmp-unmatched': 4 });
  expect(socket.send(2, PAYLOAD)).toBe(false);
  expect(host.stack.usage.echoSockets).toBe(0);
});

it.each([
  ['unreachable', 3, 1],
  ['port-unreachable', 3, 3],
  ['time-exceeded', 11, 0],
  ['other', 12, 0],
] as const)(
  'passes on an ICMP error about a request as %s (RFC 1122 3.2.2)',
  (kind, type, code) => {
    const host = new Host();
    const { socket, errors } = open(host, PEER_V4);
    socket.send(9, PAYLOAD);
    const [request] = host.sends();
    const error = icmp(type, code, [0, 0, 0, 0, ...request!]);
    host.receives(v4(ICMP, error, { from: ROUTER_V4 }));
    expect(errors).toEqual([{ kind, type, code, sequence: 9, from: ROUTER_V4 }]);
  },
);

it('closes a socket whose local address was removed', () => {
  const host = new Host();
  const ipv4 = open(host, PEER_V4);
  const ipv6 = open(host, PEER_V6);
  host.stack.setAddresses([ip('10.0.0.3'), OUR_V6]);
  expect([ipv4.gone, ipv6.gone]).toEqual([1, 0]);
  expect([ipv4.socket.isClosed, ipv6.socket.isClosed]).toEqual([true, false]);
});

it('allows 1024 sockets, and frees their identifiers', () => {
  const host = new Host();
  const opened = Array.from({ length: 1024 }, () => open(host, PEER_V4));
  expect(new Set(opened.map(({ socket }) => socket.identifier)).size).toBe(1024);
  expect(() => open(host, PEER_V4)).toThrow(RangeError);
  opened[0]!.socket.close();
  opened[0]!.socket.close();
  expect(host.stack.usage.echoSockets).toBe(1023);
  expect(() => open(host, PEER_V4)).not.toThrow();
  host.stack.close(host.now);
  expect(host.stack.usage.echoSockets).toBe(0);
});

it('drops a request that exceeds the MTU', () => {
  const host = new Host();
  const { socket } = open(host, PEER_V4);
  expect(socket.send(1, new Uint8Array(1420 - 28))).toBe(true);
  expect(socket.send(1, new Uint8Array(1420 - 27))).toBe(false);
});
