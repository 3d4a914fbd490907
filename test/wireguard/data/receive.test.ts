/** Accepted and refused messages, and the answers to them. */
import { CookieGenerator } from '../../../src/wireguard/handshake/cookie.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { WireguardPair, type Side } from '../../support/pairs/wireguard-pair.js';

/** The message with one bit changed and a recomputed mac1. */
function altered(pair: WireguardPair, to: Side, message: Uint8Array, index: number): Uint8Array {
  const bytes = message.slice();
  bytes[index]! ^= 1;
  new CookieGenerator(pair.crypto, pair[to].device.publicKey).addMacs(bytes, pair.now);
  return bytes;
}

/** Bob has received enough handshake messages to require cookies for the next second. */
function load(pair: WireguardPair, to: Side, message: Uint8Array): void {
  for (let index = 0; index < 520; index++) pair.inject(to, message);
}

describe('an initiation', () => {
  it('counts as an answer to everything sent before it', () => {
    const pair = WireguardPair.established();
    const begin = pair.now;
    pair.link = () => false;
    pair.send('alice');
    pair.advance(6_000);
    pair.link = ({ type }) => type !== DATA;
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    pair.advance(begin + 15_400 - pair.now);
    expect(pair.sent(RESPONSE, 'alice')).toHaveLength(1);
    expect(pair.sent(INITIATION, 'alice')).toEqual([]);
  });

  it('postpones the persistent keepalive of its receiver', () => {
    const pair = WireguardPair.established({ bobKeepalive: 8_000 });
    pair.advance(6_000);
    const arrival = pair.now + 10;
    pair.link = ({ type }) => type === INITIATION;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.bob.device.nextTimeout()).toBe(arrival + 8_000);
  });
});

describe('under load', () => {
  it.each<[Side, number]>([
    ['bob', INITIATION],
    ['alice', RESPONSE],
  ])('%s answers a message of type %i with only a cookie', (to, type) => {
    const pair = new WireguardPair();
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    pair.send('alice');
    pair.advance(type === RESPONSE ? 15 : 5);
    const message = pair.sent(type)[0]!;
    const stale = altered(pair, to, message.bytes, type === INITIATION ? 40 : 8);
    load(pair, to, stale);
    const before = pair[to].device.drops.of('under-load');
    pair.captured.length = 0;
    pair.settle();
    expect(pair[to].device.drops.of('under-load')).toBe(before + 1);
    expect(pair.sent(RESPONSE)).toEqual([]);
    const [reply, ...others] = pair.sent(COOKIE_REPLY, to);
    expect(others).toEqual([]);
    expect(reply!.destination).toBe(pair[message.from].endpoint);
    expect(reply!.bytes.slice(4, 8)).toEqual(message.bytes.slice(4, 8));
    expect(pair.bob.peer.rxBytes + pair.alice.peer.rxBytes).toBe(to === 'alice' ? 148 : 0);
    expect(pair[message.from].device.drops.of('bad-cookie')).toBe(before);
  });

  it('counts an unsolicited cookie reply', () => {
    const pair = WireguardPair.established();
    const reply = new Uint8Array(64);
    reply[0] = COOKIE_REPLY;
    pair.inject('alice', reply);
    expect(pair.alice.device.drops.of('bad-cookie')).toBe(1);
    expect(pair.alice.peer.cookieReceivedAt).toBeUndefined();
  });
});

describe('the endpoint of a peer', () => {
  it.each([
    ['another port', { address: '198.51.100.2', port: 2223 }],
    ['another address', { address: '198.51.100.3', port: 2222 }],
  ])('becomes %s when a message arrives from there, and is reported once', (_, elsewhere) => {
    const pair = WireguardPair.established();
    pair.bob.endpoint = elsewhere;
    pair.send('bob');
    pair.send('bob');
    pair.settle();
    expect(pair.alice.peer.endpoint).toEqual(elsewhere);
    expect(pair.alice.events()).toEqual([
      { type: 'endpoint-changed', peer: pair.alice.peer, endpoint: elsewhere },
    ]);
  });

  it('is not reported as changed when set to the same value', () => {
    const pair = WireguardPair.established();
    pair.bob.endpoint = { ...pair.bob.endpoint };
    pair.send('bob');
    pair.settle();
    expect(pair.alice.received).toHaveLength(1);
    expect(pair.alice.events()).toEqual([]);
  });
});
