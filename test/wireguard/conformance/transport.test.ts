/** Rows 24 to 26, 31, 32 and 36: the packets of a session. */
import { DEFAULT_MTU } from '../../../src/arc-config/arc-config.js';
import {
  PACKET_HEADROOM,
  PACKET_TAILROOM,
  packetInSlot,
} from '../../../src/lib/packets/packet-slot.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import {
  WireguardPair,
  ipv4,
  ipv6,
  type PairOptions,
  type Side,
} from '../../support/pairs/wireguard-pair.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

/** A session of a device with a whitepaper peer, which can send and read anything. */
interface Session {
  readonly pair: WireguardPair;
  /** The side played by a device. */
  readonly side: Side;
  readonly peer: WhitepaperPeer;
}

function asInitiator(options: PairOptions = {}): Session {
  const pair = new WireguardPair(options);
  const peer = new WhitepaperPeer(pair, 'bob');
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.inject('alice', peer.respond(pair.sent(INITIATION)[0]!.bytes));
  pair.captured.length = 0;
  return { pair, side: 'alice', peer };
}

function asResponder(options: PairOptions = {}): Session {
  const pair = new WireguardPair(options);
  const peer = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', peer.initiate());
  peer.complete(pair.sent(RESPONSE)[0]!.bytes);
  pair.inject('bob', peer.seal(new Uint8Array(0), 0n));
  pair.captured.length = 0;
  return { pair, side: 'bob', peer };
}

/** A packet of the given length from the other side. */
function packetTo(side: Side, length = 64): Uint8Array {
  return side === 'alice'
    ? ipv4('10.0.0.2', '10.0.0.1', length)
    : ipv4('10.0.0.1', '10.0.0.2', length);
}

/** Whether a message with this counter is accepted. */
function takes({ pair, side, peer }: Session, counter: number): boolean {
  const before = pair[side].received.length;
  pair.inject(side, peer.seal(packetTo(side), BigInt(counter)));
  return pair[side].received.length > before;
}

function expectReplayWindow(session: Session): void {
  const { pair, side, peer } = session;
  for (const counter of [1, 2, 5, 3])
    expect([counter, takes(session, counter)]).toEqual([counter, true]);
  for (const counter of [1, 2, 3, 5])
    expect([counter, takes(session, counter)]).toEqual([counter, false]);
  expect(pair[side].device.drops.of('replayed')).toBe(4);
  // The window covers exactly 8128 counters below the highest one.
  expect(takes(session, 20_000)).toBe(true);
  expect(takes(session, 20_000 - 8_128)).toBe(true);
  expect(takes(session, 20_000 - 8_128)).toBe(false);
  expect(takes(session, 20_000 - 8_129)).toBe(false);
  expect(takes(session, 20_000 - 8_127)).toBe(true);
  // An unauthentic message does not move the window.
  const forged = peer.seal(packetTo(side), 2n ** 40n);
  forged[forged.length - 1]! ^= 1;
  pair.inject(side, forged);
  expect(pair[side].device.drops.of('bad-tag')).toBe(1);
  expect(takes(session, 20_001)).toBe(true);
  // A step larger than the window clears the whole window.
  expect(takes(session, 1_000_000)).toBe(true);
  for (let counter = 1_000_000 - 8_128; counter < 1_000_000; counter += 127) {
    expect([counter, takes(session, counter)]).toEqual([counter, true]);
    expect([counter, takes(session, counter)]).toEqual([counter, false]);
  }
  expect(takes(session, 2 ** 53 - 2 ** 13 - 2)).toBe(true);
  expect(takes(session, 2 ** 53 - 2 ** 13 - 1)).toBe(false);
  expect(takes(session, 2 ** 53 - 2 ** 13 - 2 - 8_128)).toBe(true);
}

it('each counter is accepted once, up to 8128 below the highest authentic one (row 24, initiator)', () => {
  expectReplayWindow(asInitiator());
});

it('each counter is accepted once, up to 8128 below the highest authentic one (row 24, responder)', () => {
  expectReplayWindow(asResponder());
});

/** The content of the message that carries a packet of `length` bytes. */
function paddedAs({ pair, side, peer }: Session, length: number): Uint8Array {
  const slot = new Uint8Array(PACKET_HEADROOM + length + PACKET_TAILROOM).fill(0xff);
  const packet = packetTo(side === 'alice' ? 'bob' : 'alice', length);
  packetInSlot(slot).set(packet);
  pair.captured.length = 0;
  pair[side].device.sendPackets([slot], pair.now);
  const { bytes } = pair.sent(DATA, side)[0]!;
  const inside = peer.open(bytes)!;
  expect(bytes).toHaveLength(32 + inside.length);
  expect(inside.slice(0, length)).toEqual(packet);
  return inside;
}

function expectPadding(begin: (options: PairOptions) => Session): void {
  const session = begin({ mtu: 1_420 });
  for (let length = 20; length <= 1_420; length += length < 80 || length > 1_390 ? 1 : 37) {
    const inside = paddedAs(session, length);
    expect([length, inside.length]).toEqual([length, Math.min(1_420, Math.ceil(length / 16) * 16)]);
    expect(inside.slice(length)).toEqual(new Uint8Array(inside.length - length));
  }
  const narrow = begin({ mtu: 1_280 });
  expect([1_265, 1_280].map((length) => paddedAs(narrow, length).length)).toEqual([1_280, 1_280]);
  const odd = begin({ mtu: 1_285 });
  expect([1_280, 1_281, 1_285].map((length) => paddedAs(odd, length).length)).toEqual([
    1_280, 1_285, 1_285,
  ]);
}

it('packets are padded with zeros to 16 bytes, never beyond the MTU (row 25, initiator)', () => {
  expectPadding(asInitiator);
});

it('packets are padded with zeros to 16 bytes, never beyond the MTU (row 25, responder)', () => {
  expectPadding(asResponder);
});

it('a keepalive has no payload (row 25, both roles)', () => {
  for (const { pair, side, peer } of [asInitiator(), asResponder()]) {
    pair.inject(side, peer.seal(packetTo(side), 1n));
    pair.advance(10_000);
    const [keepalive] = pair.sent(DATA, side);
    expect(keepalive!.bytes).toHaveLength(32);
    expect(peer.open(keepalive!.bytes)).toHaveLength(0);
  }
});

/** Packets whose length field differs from the sealed length. */
function expectTrimming({ pair, side, peer }: Session): void {
  const [from, to] = side === 'alice' ? ['10.0.0.2', '10.0.0.1'] : ['10.0.0.1', '10.0.0.2'];
  const [from6, to6] = side === 'alice' ? ['fd00::2', 'fd00::1'] : ['fd00::1', 'fd00::2'];
  const { received } = pair[side];
  const deliver = (packet: Uint8Array, padding = 0) => {
    received.length = 0;
    pair.inject(
      side,
      peer.seal(Uint8Array.of(...packet, ...new Uint8Array(padding).fill(0xaa)), counter++),
    );
    return [...received];
  };
  let counter = 100n;
  for (const packet of [
    ipv4(from, to, 50),
    ipv6(from6, to6, 50),
    ipv4(from, to, 20),
    ipv6(from6, to6, 40),
  ]) {
    expect(deliver(packet, 14)).toEqual([packet]);
    expect(deliver(packet, 500)).toEqual([packet]);
    expect(deliver(packet)).toEqual([packet]);
  }
  const refused = [
    lengthSet(ipv4(from, to, 64), 65),
    lengthSet(ipv4(from, to, 64), 19),
    lengthSet(ipv4(from, to, 64), 0),
    lengthSet(ipv6(from6, to6, 64), 25),
    ipv6(from6, to6, 64).slice(0, 39),
    ipv4(from, to, 20).slice(0, 19),
    Uint8Array.of(0x55, ...ipv4(from, to, 64).slice(1)),
    Uint8Array.of(0x05, ...ipv4(from, to, 64).slice(1)),
    new Uint8Array(1),
  ];
  for (const packet of refused) expect(deliver(packet)).toEqual([]);
  expect([...pair[side].device.drops]).toEqual([['malformed-packet', refused.length]]);
}

/**
 * The packet with a different length field: the total length for IPv4, the payload length for IPv6.
 */
function lengthSet(packet: Uint8Array, length: number): Uint8Array {
  const copy = packet.slice();
  copy.set([length >> 8, length], copy[0]! >> 4 === 4 ? 2 : 4);
  return copy;
}

it('a packet is trimmed to its length field; a longer length, or a packet that is not IP, is dropped (row 26, initiator)', () => {
  expectTrimming(asInitiator());
});

it('a packet is trimmed to its length field; a longer length, or a packet that is not IP, is dropped (row 26, responder)', () => {
  expectTrimming(asResponder());
});

it('128 packets wait for a handshake, and the oldest is dropped first (row 31, initiator)', () => {
  const pair = new WireguardPair();
  const packets = Array.from({ length: 131 }, (_, index) => pair.send('alice', 100 + index));
  expect(pair.alice.peer.stagedPackets).toBe(128);
  expect([...pair.alice.device.drops]).toEqual([['staged-overflow', 3]]);
  pair.settle();
  expect(pair.bob.received).toEqual(packets.slice(3));
});

it('128 packets wait for a handshake, and the oldest is dropped first (row 31, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  const packets = Array.from({ length: 131 }, (_, index) => pair.send('bob', 96 + 8 * index));
  expect(pair.bob.peer.stagedPackets).toBe(128);
  expect([...pair.bob.device.drops]).toEqual([['staged-overflow', 3]]);
  expect(alice.complete(pair.sent(RESPONSE)[0]!.bytes)).toBe(true);
  pair.inject('bob', alice.seal(new Uint8Array(0)));
  const inside = pair.sent(DATA, 'bob').map(({ bytes }) => alice.open(bytes)!.length);
  expect(inside).toEqual(packets.slice(3).map(({ length }) => Math.ceil(length / 16) * 16));
});

/** Ten echo requests and replies, as in the kernel's netns.sh. */
function pings(): WireguardPair {
  const pair = new WireguardPair();
  for (let ping = 0; ping < 10; ping++) {
    pair.send('alice', 84);
    pair.settle();
    pair.send('bob', 84);
    pair.settle();
  }
  return pair;
}

it('ten pings are 1428 bytes sent and 1372 received: whole messages, handshake included (row 32, initiator)', () => {
  const { alice } = pings();
  expect([alice.peer.txBytes, alice.peer.rxBytes]).toEqual([1_428, 1_372]);
});

it('ten pings are 1428 bytes received and 1372 sent: whole messages, handshake included (row 32, responder)', () => {
  const { bob } = pings();
  expect([bob.peer.rxBytes, bob.peer.txBytes]).toEqual([1_428, 1_372]);
});

it('a keepalive counts 32 bytes; a refused message is not counted (row 32, both roles)', () => {
  for (const { pair, side, peer } of [asInitiator(), asResponder()]) {
    const { rxBytes, txBytes } = pair[side].peer;
    pair.inject(side, peer.seal(new Uint8Array(0), 50n));
    expect(pair[side].peer.rxBytes - rxBytes).toBe(32);
    pair.inject(side, peer.seal(new Uint8Array(0), 50n));
    pair.inject(side, peer.seal(packetTo(side === 'alice' ? 'bob' : 'alice'), 51n));
    pair.inject(side, peer.seal(new Uint8Array(16), 52n));
    pair.inject(side, new Uint8Array(148));
    expect(pair[side].peer.rxBytes - rxBytes).toBe(32);
    pair.advance(10_000);
    expect(pair[side].peer.txBytes - txBytes).toBe(32);
  }
});

it('the default MTU is 1420, which makes an outer packet over IPv6 1500 bytes (row 36, both roles)', () => {
  expect(DEFAULT_MTU).toBe(1_420);
  for (const session of [asInitiator({ mtu: DEFAULT_MTU }), asResponder({ mtu: DEFAULT_MTU })]) {
    paddedAs(session, DEFAULT_MTU);
    const [message] = session.pair.sent(DATA, session.side);
    expect(40 + 8 + message!.bytes.length).toBe(1_500);
  }
});
