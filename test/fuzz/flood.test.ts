/**
 * Floods of ten times the rate limit and more, in virtual time (whitepaper 5.3): the existing
 * session continues, a peer's handshakes succeed with the cookie, and the load ends one second
 * later.
 */
import type { Endpoint } from '../../src/ports/datagram.js';
import {
  COOKIE_REPLY as COOKIE_LAYOUT,
  DATA as DATA_LAYOUT,
  MESSAGE_COOKIE_REPLY,
  MESSAGE_DATA,
  MESSAGE_INITIATION,
  writeUint32,
} from '../../src/wireguard/messages.js';
import { Random } from '../sim/random.js';
import { COOKIE_REPLY, INITIATION, RESPONSE } from '../support/message-types.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { atLength, isLong } from '../support/runner/tier.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';
import { Puppet } from './puppet.js';

const ATTACKER: Endpoint = { address: '203.0.113.66', port: 666 };
/** The rate limit of one source under load, and its burst. */
const PER_SECOND = 20;
const BURST = 5;
const ROUND_TRIP = 20;
const LONGEST_RETRY = 5_000 + 333;
/**
 * Initiations per millisecond from all sources: four times the cookie threshold, and not more than
 * the device reads. test/wireguard/data/receive-flood.test.ts contains larger floods.
 */
const FLOOD = 2;
/** Milliseconds after which such a flood triggers cookies. */
const ONSET = 1_000 / FLOOD;

/** Alice and Bob have a session; Bob is flooded, and both send a packet every 50 ms. */
class Flood {
  readonly pair = WireguardPair.established({ seed: 77 });
  readonly random = new Random(77);
  readonly attacker: Puppet;
  /** An initiation from the attacker: valid except for its unknown key. */
  readonly initiation: Uint8Array;
  offered = 0;
  /** Cookie replies by the port that they were sent to. */
  readonly cookies = new Map<string, Uint8Array>();
  speaks = true;

  constructor() {
    this.attacker = new Puppet({
      crypto: this.pair.crypto,
      entropy: seededEntropy(78),
      privateKey: seededBytes(79, 32),
      devicePublicKey: this.pair.bob.device.publicKey,
      endpoint: ATTACKER,
    });
    this.initiation = this.attacker.strayInitiation(0, this.pair.now);
    this.pair.link = (message) => {
      if (message.type !== COOKIE_REPLY || message.from !== 'bob') return true;
      const { address, port } = message.destination;
      this.cookies.set(`${address} ${port}`, message.bytes);
      return address === this.pair.alice.endpoint.address;
    };
  }

  /** Calls `attack` every millisecond of `duration`. */
  run(duration: number, attack: (flood: Flood) => void): void {
    const { pair } = this;
    for (let millisecond = 0; millisecond < duration; millisecond++) {
      attack(this);
      if (this.speaks && millisecond % 50 === 0) {
        pair.send('alice');
        pair.send('bob');
        this.offered++;
      }
      pair.advance(1);
      // The capture is not needed, and would grow large.
      pair.captured.length = 0;
    }
  }

  /** Fires an initiation of the attacker from `source`. */
  initiate(source: Endpoint): void {
    this.pair.inject('bob', this.initiation, source);
  }

  expectNothingLost(): void {
    this.pair.settle();
    expect(this.pair.alice.received).toHaveLength(this.offered);
    expect(this.pair.bob.received).toHaveLength(this.offered);
  }

  /** Initiations with the cookie that Bob issues to this source under load. */
  withCookie(source: Endpoint): () => void {
    const { pair, attacker } = this;
    attacker.forgetCookie();
    pair.inject('bob', attacker.remac(this.initiation, pair.now), source);
    const reply = this.cookies.get(`${source.address} ${source.port}`);
    if (reply === undefined || !attacker.takeCookie(reply, pair.now)) throw new Error('no cookie');
    const message = attacker.remac(this.initiation, pair.now);
    return () => pair.inject('bob', message, source);
  }

  /** The number of the attacker's initiations that were processed. */
  get admitted(): number {
    return this.pair.bob.device.drops.of('unknown-peer');
  }
}

function spoofedIpv4({ random }: Flood): Endpoint {
  const address = `198.18.${random.below(256)}.${random.below(256)}`;
  return { address, port: random.between(1, 65_535) };
}

/** One of many hosts in one network. */
function spoofedIpv6({ random }: Flood): Endpoint {
  const group = (): string => random.between(1, 0xffff).toString(16);
  return { address: `2001:db8:0:1:${group()}:${group()}:1:1`, port: random.between(1, 65_535) };
}

function spoofedFlood(flood: Flood): void {
  for (let count = 0; count < FLOOD; count++) {
    flood.initiate((flood.pair.now + count) % 2 === 0 ? spoofedIpv4(flood) : spoofedIpv6(flood));
  }
}

/** Alice loses her session, and has a packet to send. */
function beginAnew(flood: Flood): void {
  flood.pair.alice.device.discardSessions();
  flood.pair.alice.events();
  flood.pair.bob.events();
  flood.pair.send('alice');
}

/** The time until Alice and Bob have a session again; at most `limit` ms. */
function timeToSession(flood: Flood, limit: number, attack: (flood: Flood) => void): number {
  const { pair } = flood;
  const began = pair.now;
  while (!pair.alice.peer.hasSession(pair.now) && pair.now - began < limit) flood.run(1, attack);
  return pair.now - began;
}

it('handles ten times the limit from one source without a cookie', () => {
  const flood = new Flood();
  const seconds = atLength({ short: 2, long: 10 });
  flood.run(seconds * 1_000, ({ pair }) => {
    if (pair.now % 5 === 0) flood.initiate(ATTACKER);
  });
  flood.expectNothingLost();
  expect(flood.admitted).toBe(seconds * PER_SECOND * 10);
  expect(flood.cookies.size).toBe(0);

  flood.speaks = false;
  beginAnew(flood);
  expect(timeToSession(flood, 1_000, () => flood.initiate(ATTACKER))).toBeLessThanOrEqual(
    ROUND_TRIP,
  );
});

it('continues under a flood from many sources, answering only with cookies', () => {
  const flood = new Flood();
  flood.run(2_000, spoofedFlood);
  flood.expectNothingLost();
  const { drops, tableSizes } = flood.pair.bob.device;
  // The first ones cost a DH each: the size of the queue plus what drained from it meanwhile.
  expect(flood.admitted).toBeLessThan(800);
  expect(drops.of('under-load') + flood.admitted).toBe(FLOOD * 2_000);
  expect(drops.total).toBe(FLOOD * 2_000);
  expect(tableSizes.rateLimitedSources).toBe(0);
  expect(tableSizes.sessionIndices).toBeLessThanOrEqual(4);
});

it('admits a peer with a cookie while it is flooded', () => {
  const flood = new Flood();
  flood.run(1_000, spoofedFlood);
  flood.speaks = false;
  beginAnew(flood);
  const initiations = flood.pair.sent(INITIATION, 'alice').length;
  expect(initiations).toBe(1);
  // The first initiation is answered with a cookie, which the retry uses (6.6).
  const took = timeToSession(flood, 10_000, spoofedFlood);
  expect(took).toBeGreaterThanOrEqual(5_000);
  expect(took).toBeLessThanOrEqual(LONGEST_RETRY + ROUND_TRIP);
  expect(flood.pair.alice.peer.cookieReceivedAt).toBeDefined();
});

it('is no longer under load a second after a flood of any duration', () => {
  const flood = new Flood();
  flood.run(4_000, spoofedFlood);
  flood.speaks = false;
  flood.pair.advance(1_001);
  beginAnew(flood);
  expect(timeToSession(flood, 1_000, () => undefined)).toBeLessThanOrEqual(ROUND_TRIP);
});

describe('with valid cookies, under load,', () => {
  /** A flood that keeps Bob under load, while each of `sources` sends 200 a second. */
  function admittedFrom(sources: readonly Endpoint[], duration: number): number {
    const flood = new Flood();
    flood.run(ONSET, spoofedFlood);
    const attacks = sources.map((source) => flood.withCookie(source));
    const before = flood.admitted;
    flood.run(duration, () => {
      spoofedFlood(flood);
      if (flood.pair.now % 5 === 0) for (const attack of attacks) attack();
    });
    flood.expectNothingLost();
    expect(flood.pair.bob.device.drops.of('rate-limited')).toBe(
      (duration / 5) * sources.length - (flood.admitted - before),
    );
    return flood.admitted - before;
  }

  it('one source gets 20 a second and 5 at once', () => {
    const seconds = atLength({ short: 1, long: 3 });
    expect(admittedFrom([ATTACKER], seconds * 1_000)).toBe(seconds * PER_SECOND + BURST - 1);
  });

  it('a /64 is one source', () => {
    const hosts = [1, 2, 3, 4].map((host) => ({ address: `2001:db8:0:1::${host}`, port: host }));
    const seconds = atLength({ short: 1, long: 3 });
    expect(admittedFrom(hosts, seconds * 1_000)).toBe(seconds * PER_SECOND + BURST - 1);
  });

  it('each /64 has its own limit', () => {
    const hosts = [1, 2, 3, 4].map((host) => ({ address: `2001:db8:0:${host}::1`, port: host }));
    const seconds = atLength({ short: 1, long: 3 });
    expect(admittedFrom(hosts, seconds * 1_000)).toBe(4 * (seconds * PER_SECOND + BURST - 1));
  });

  it('a flood does not lock a peer out', () => {
    const flood = new Flood();
    flood.run(ONSET, spoofedFlood);
    const attack = flood.withCookie(ATTACKER);
    const attackAll = (): void => {
      spoofedFlood(flood);
      attack();
    };
    flood.speaks = false;
    beginAnew(flood);
    const took = timeToSession(flood, 10_000, attackAll);
    expect(took).toBeLessThanOrEqual(LONGEST_RETRY + ROUND_TRIP);
  });

  if (isLong) {
    it('at most 8,192 sources are remembered', () => {
      const flood = new Flood();
      flood.run(ONSET, spoofedFlood);
      // The messages that fetch the cookies keep Bob under load.
      const attacks = Array.from({ length: 9_000 }, (_, index) => {
        flood.run(1, () => undefined);
        return flood.withCookie({ address: `198.19.${index >> 8}.${index & 255}`, port: 7 });
      });
      for (const attack of attacks) attack();
      const { device } = flood.pair.bob;
      expect(device.tableSizes.rateLimitedSources).toBe(8_192);
      expect(device.drops.of('rate-limited')).toBe(9_000 - 8_192);
      flood.run(1_000, spoofedFlood);
      flood.withCookie(ATTACKER)();
      expect(device.tableSizes.rateLimitedSources).toBe(1);
      flood.expectNothingLost();
    });
  }
});

it('continues under a flood of cookie replies, without answering them', () => {
  const flood = new Flood();
  const { pair, random } = flood;
  const transmitted: number[] = [];
  const { link } = pair;
  pair.link = (message) => {
    if (message.from === 'bob') transmitted.push(message.type);
    return link(message);
  };
  const known = pair.bob.peer.keypairs.current!.localIndex;
  flood.run(2_000, () => {
    const bytes = random.bytes(COOKIE_LAYOUT.length);
    writeUint32(bytes, 0, MESSAGE_COOKIE_REPLY);
    if (random.chance(0.5)) writeUint32(bytes, COOKIE_LAYOUT.receiverIndex, known);
    pair.inject('bob', bytes, spoofedIpv4(flood));
  });
  flood.expectNothingLost();
  expect(pair.bob.device.drops.of('bad-cookie')).toBe(2_000);
  expect(transmitted.every((type) => type === MESSAGE_DATA)).toBe(true);
  expect(pair.bob.peer.endpoint).toBe(pair.alice.endpoint);
});

it('continues under a flood of data for unknown sessions', () => {
  const flood = new Flood();
  const { pair, random } = flood;
  const bytes = random.bytes(1_200);
  writeUint32(bytes, 0, MESSAGE_DATA);
  flood.run(5_000, () => {
    for (let count = 0; count < FLOOD; count++) {
      writeUint32(bytes, DATA_LAYOUT.receiverIndex, random.uint32());
      pair.inject('bob', bytes, spoofedIpv4(flood));
    }
  });
  flood.expectNothingLost();
  expect(pair.bob.device.drops.of('unknown-session')).toBe(FLOOD * 5_000);
  expect(pair.bob.device.drops.total).toBe(FLOOD * 5_000);
});

it('does not answer messages without a valid mac1, however many arrive', () => {
  const flood = new Flood();
  const { pair, random } = flood;
  const sent: number[] = [];
  pair.link = (message) => {
    if (message.from === 'bob') sent.push(message.type);
    return true;
  };
  const bytes = random.bytes(148);
  writeUint32(bytes, 0, MESSAGE_INITIATION);
  flood.run(1_000, () => {
    for (let count = 0; count < 10; count++) pair.inject('bob', bytes, spoofedIpv4(flood));
  });
  flood.expectNothingLost();
  expect(pair.bob.device.drops.of('bad-mac1')).toBe(10_000);
  expect(sent).not.toContain(COOKIE_REPLY);
  expect(sent).not.toContain(RESPONSE);
  // None of it has triggered cookies.
  flood.speaks = false;
  beginAnew(flood);
  expect(timeToSession(flood, 1_000, () => undefined)).toBeLessThanOrEqual(ROUND_TRIP);
});
