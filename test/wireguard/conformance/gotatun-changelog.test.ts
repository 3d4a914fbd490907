/**
 * One test for each line of the changelog of gotatun 0.7.2, which lists bugs of the project it was
 * forked from: https://github.com/mullvad/gotatun/blob/main/CHANGELOG.md
 */
import { DATA, INITIATION } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, prefixes, type Side } from '../../support/pairs/wireguard-pair.js';

const SIDES = ['alice', 'bob'] as const;

function other(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

it('a message that 8000 others have overtaken is still accepted (gotatun 0.7.2 a)', () => {
  const pair = WireguardPair.established();
  pair.link = () => false;
  for (let index = 0; index <= 8_000; index++) pair.send('alice', 20);
  const [first, ...rest] = pair.sent(DATA, 'alice');
  for (const { bytes } of [...rest, first!]) pair.inject('bob', bytes);
  expect(pair.bob.received).toHaveLength(8_001);
  expect(pair.bob.device.drops.total).toBe(0);
});

it('the handshake after unanswered data has jitter (gotatun 0.7.2 b)', () => {
  const delays = Array.from({ length: 20 }, (_, seed) => {
    const pair = WireguardPair.established({ seed });
    pair.link = () => false;
    const begin = pair.now;
    pair.send('alice');
    pair.advance(15_400);
    return pair.sent(INITIATION)[0]!.at - begin;
  });
  expect(new Set(delays).size).toBeGreaterThan(10);
  expect(Math.max(...delays)).toBeLessThan(15_333);
});

it('two idle peers do not answer each other’s keepalives (gotatun 0.7.2 c)', () => {
  const pair = WireguardPair.established();
  pair.send('alice');
  pair.advance(170_000);
  // One packet, and one keepalive that answers it.
  expect(pair.captured.map(({ from, bytes }) => [from, bytes.length])).toEqual([
    ['alice', 144],
    ['bob', 32],
  ]);
});

it('an idle tunnel that receives a packet sends its keepalive after 10 s (gotatun 0.7.2 d)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    pair.advance(60_000);
    pair.send(other(side));
    pair.settle();
    const arrival = pair.now;
    pair.advance(30_000);
    expect(pair.sent(DATA, side).map(({ at }) => at - arrival)).toEqual([10_000]);
  }
});

it('no persistent keepalive is sent while the tunnel is in use (gotatun 0.7.2 e)', () => {
  for (const talker of SIDES) {
    const pair = WireguardPair.established({ aliceKeepalive: 9_000, bobKeepalive: 9_000 });
    for (let step = 0; step < 30; step++) {
      pair.send(talker);
      pair.advance(3_000);
    }
    // The receiver owes a keepalive 10 s after data; its persistent keepalive would come after 9 s.
    const gaps = pair
      .sent(DATA, other(talker))
      .map(({ at }, index, all) => at - (all[index - 1]?.at ?? 0));
    expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(10_000);
    expect(pair.sent(DATA, talker)).toHaveLength(30);
    // Once the tunnel is idle, the first side whose interval ends sends a persistent keepalive.
    pair.captured.length = 0;
    pair.advance(100_000);
    expect(pair.sent(DATA).length).toBeGreaterThanOrEqual(10);
  }
});

it('a changed pre-shared key takes effect at the next handshake, and the session continues (gotatun 0.7.2 f)', () => {
  const pair = WireguardPair.established();
  const session = pair.alice.peer.keypairs.current;
  pair.alice.peer.setPresharedKey(seededBytes(1, 32));
  pair.send('alice');
  pair.send('bob');
  pair.settle();
  expect([pair.alice.received.length, pair.bob.received.length]).toEqual([1, 1]);
  expect(pair.alice.peer.keypairs.current).toBe(session);
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(pair.alice.peer.responsesRejected).toBe(1);
  pair.bob.peer.setPresharedKey(seededBytes(1, 32));
  pair.advance(5_400);
  expect(pair.alice.peer.keypairs.current).not.toBe(session);
  pair.send('alice');
  pair.settle();
  expect(pair.bob.received).toHaveLength(2);
});

it('no message is sent or accepted with a counter at or above the limit (gotatun 0.7.2 g)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    const limit = 2 ** 53 - 2 ** 13 - 1;
    const keypair = pair[side].peer.keypairs.current!;
    keypair.sendingCounter = limit;
    pair.link = ({ type }) => type === DATA;
    pair.send(side);
    pair.advance(60_000);
    expect(pair.sent(DATA, side)).toEqual([]);
    const message = new Uint8Array(16 + 16 + 16);
    message[0] = DATA;
    const view = new DataView(message.buffer);
    view.setUint32(4, keypair.remoteIndex, true);
    view.setBigUint64(8, BigInt(limit), true);
    keypair.sending.seal(message, 16, 16, limit);
    pair.inject(other(side), message);
    expect(pair[other(side)].device.drops.of('expired-session')).toBe(1);
  }
});

it('a datagram of any length does no harm (gotatun 0.7.2 h)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    const { localIndex } = pair[side].peer.keypairs.current!;
    for (const length of [1_501, 2_049, 9_001, 65_507, 65_535, 1_000_000]) {
      for (const type of [1, 2, 3, 4]) {
        const bytes = new Uint8Array(length).fill(0xa5);
        bytes.set([type, 0, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0]);
        new DataView(bytes.buffer).setUint32(4, localIndex, true);
        pair.inject(side, bytes);
      }
    }
    expect([...pair[side].device.drops]).toEqual([
      ['malformed', 18],
      ['bad-tag', 6],
    ]);
    // An authentic message far longer than the MTU is accepted like any other.
    const long =
      side === 'alice'
        ? ipv4('10.0.0.2', '10.0.0.1', 60_000)
        : ipv4('10.0.0.1', '10.0.0.2', 60_000);
    pair.sendPacket(other(side), long);
    pair.settle();
    expect(pair[side].received).toEqual([long]);
  }
});

it('a peer may not send from a subnet of another peer, even one inside its own (gotatun 0.7.2 i)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    const subnet = side === 'alice' ? '10.2.3' : '10.1.3';
    const wide = side === 'alice' ? '10.2.4.1' : '10.1.4.1';
    const inner = side === 'alice' ? '10.0.0.1' : '10.0.0.2';
    pair[side].device.addPeer(
      { publicKey: seededBytes(9, 32), allowedIps: prefixes(`${subnet}.0/24`) },
      pair.now,
    );
    pair.sendPacket(other(side), ipv4(`${subnet}.1`, inner));
    pair.settle();
    expect(pair[side].received).toEqual([]);
    expect([...pair[side].device.drops]).toEqual([['wrong-source', 1]]);
    pair.sendPacket(other(side), ipv4(wide, inner));
    pair.settle();
    expect(pair[side].received).toHaveLength(1);
  }
});
