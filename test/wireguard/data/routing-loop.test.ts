/** Outgoing messages that come back as packets to send. */
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { createIpv6Header, finishIpv6Header, writeFragmentHeader } from '../../../src/wire/ipv6.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { ipv4, WireguardPair, type Side } from '../../support/pairs/wireguard-pair.js';

const FRAGMENT = 44;
const UDP = 17;

/** The message in an IPv4 packet to the peer of `from`, as the operating system sends it. */
function overIpv4(from: Side, message: Uint8Array): Uint8Array {
  const [alice, bob] = ['10.0.0.1', '10.0.0.2'];
  const length = 28 + message.length;
  const packet = from === 'alice' ? ipv4(alice, bob, length) : ipv4(bob, alice, length);
  packet.set(message, 28);
  return packet;
}

/** As the first of several fragments if `start` is 0; unfragmented if it is undefined. */
function overIpv6(message: Uint8Array, start?: number): Uint8Array {
  const [source, destination] = [parseIpAddress('fd00::1')!, parseIpAddress('fd00::2')!];
  const isFragment = start !== undefined;
  const header = createIpv6Header(source, destination, isFragment ? FRAGMENT : UDP, 0);
  const extension = isFragment ? 8 : 0;
  const packet = new Uint8Array(48 + extension + message.length);
  packet.set(header);
  if (isFragment) writeFragmentHeader(packet, 40, UDP, { start, more: true }, 7);
  packet.set(message, 48 + extension);
  finishIpv6Header(packet, 0, packet.length - 40);
  return packet;
}

/** The result for the packet: the data messages it causes, and the drop counts. */
function sending(pair: WireguardPair, from: Side, packet: Uint8Array): object {
  pair.captured.length = 0;
  const before = pair[from].device.drops.of('routing-loop');
  pair.sendPacket(from, packet);
  const loops = pair[from].device.drops.of('routing-loop') - before;
  return { sent: pair.sent(DATA, from).length, loops };
}

const CARRIED = { sent: 1, loops: 0 };
const DROPPED = { sent: 0, loops: 1 };

describe('a data message', () => {
  let pair: WireguardPair;
  let message: Uint8Array;

  beforeEach(() => {
    pair = WireguardPair.established();
    pair.send('alice');
    message = pair.sent(DATA, 'alice').at(-1)!.bytes;
  });

  it('is not sent to the peer that it is addressed to', () => {
    expect(sending(pair, 'alice', overIpv4('alice', message))).toEqual(DROPPED);
    expect(sending(pair, 'alice', overIpv6(message))).toEqual(DROPPED);
    expect(pair.alice.unreachable).toEqual([]);
  });

  it('is not sent as a first fragment either; a later fragment is not recognized', () => {
    const first = overIpv4('alice', message);
    // The More Fragments flag.
    first[6] = 0x20;
    expect(sending(pair, 'alice', first)).toEqual(DROPPED);
    expect(sending(pair, 'alice', overIpv6(message, 0))).toEqual(DROPPED);
    const later = overIpv4('alice', message);
    later[7] = 1;
    expect(sending(pair, 'alice', later)).toEqual(CARRIED);
    expect(sending(pair, 'alice', overIpv6(message, 8))).toEqual(CARRIED);
  });

  it('is recognized after IPv4 options', () => {
    const plain = overIpv4('alice', message);
    const packet = new Uint8Array(plain.length + 4);
    packet.set(plain.subarray(0, 20));
    packet.fill(1, 20, 24);
    packet.set(plain.subarray(20), 24);
    packet.set([0x46, 0, packet.length >> 8, packet.length]);
    expect(sending(pair, 'alice', packet)).toEqual(DROPPED);
  });

  it('of the previous session is recognized as well', () => {
    pair.advance(6_000);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.alice.peer.keypairs.previous).toBeDefined();
    expect(sending(pair, 'alice', overIpv4('alice', message))).toEqual(DROPPED);
  });

  it('of another session, or from the peer, is an ordinary packet', () => {
    const other = message.slice();
    other[4]! ^= 1;
    expect(sending(pair, 'alice', overIpv4('alice', other))).toEqual(CARRIED);
    pair.send('bob');
    const back = pair.sent(DATA, 'bob').at(-1)!.bytes;
    expect(sending(pair, 'alice', overIpv4('alice', back))).toEqual(CARRIED);
  });

  it('in a packet that is not UDP is an ordinary packet', () => {
    const tcp = overIpv4('alice', message);
    tcp[9] = 6;
    expect(sending(pair, 'alice', tcp)).toEqual(CARRIED);
    const tcpOverIpv6 = overIpv6(message);
    tcpOverIpv6[6] = 6;
    expect(sending(pair, 'alice', tcpOverIpv6)).toEqual(CARRIED);
    const fragmentOfTcp = overIpv6(message, 0);
    fragmentOfTcp[40] = 6;
    expect(sending(pair, 'alice', fragmentOfTcp)).toEqual(CARRIED);
  });

  it('that is truncated is an ordinary packet', () => {
    expect(sending(pair, 'alice', overIpv4('alice', message.subarray(0, 31)))).toEqual(CARRIED);
    expect(sending(pair, 'alice', overIpv4('alice', message.subarray(0, 32)))).toEqual(DROPPED);
  });

  it('of another type is an ordinary packet', () => {
    const other = message.slice();
    other[0] = 3;
    expect(sending(pair, 'alice', overIpv4('alice', other))).toEqual(CARRIED);
  });
});

it('no outgoing message is sent through the tunnel to the peer that it is addressed to (row 28, both roles)', () => {
  const pair = WireguardPair.established();
  pair.link = () => false;
  pair.advance(6_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const initiation = pair.sent(INITIATION, 'alice').at(-1)!.bytes;
  pair.inject('bob', initiation);
  const response = pair.sent(RESPONSE, 'bob').at(-1)!.bytes;
  pair.link = () => true;
  expect(sending(pair, 'alice', overIpv4('alice', initiation))).toEqual(DROPPED);
  expect(sending(pair, 'bob', overIpv4('bob', response))).toEqual(DROPPED);
  pair.inject('alice', response);
  for (const side of ['alice', 'bob'] as const) {
    pair.send(side);
    pair.settle();
    const data = pair.sent(DATA, side).at(-1)!.bytes;
    expect(sending(pair, side, overIpv4(side, data))).toEqual(DROPPED);
  }
  // The message of the other end, which this host would not send there.
  expect(sending(pair, 'alice', overIpv4('alice', response))).toEqual(CARRIED);
});

it('an initiation that loops back is not staged and does not prolong a handshake', () => {
  const pair = new WireguardPair();
  pair.link = () => false;
  pair.send('alice');
  const initiation = pair.sent(INITIATION, 'alice').at(-1)!.bytes;
  expect(sending(pair, 'alice', overIpv4('alice', initiation))).toEqual(DROPPED);
  expect(pair.alice.peer.staged.length).toBe(1);
});
