/**
 * Floods in virtual time (whitepaper 5.3): the existing session continues, and answers are limited.
 * test/wireguard/data/receive-flood.test.ts shows that handshakes succeed meanwhile.
 */
import type { Endpoint } from '../../src/ports/datagram.js';
import {
  COOKIE_REPLY as COOKIE_LAYOUT,
  DATA as DATA_LAYOUT,
  MESSAGE_COOKIE_REPLY,
  MESSAGE_DATA,
  writeUint32,
} from '../../src/wireguard/messages.js';
import { Random } from '../sim/random.js';
import { COOKIE_REPLY } from '../support/message-types.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';
import { Puppet } from './puppet.js';

const ATTACKER: Endpoint = { address: '203.0.113.66', port: 666 };
/** The rate limit of one source under load, and its burst. */
const PER_SECOND = 20;
const BURST = 5;
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
      if (millisecond % 50 === 0) {
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

it('limits a source with a valid cookie to 20 a second and 5 at once, under load', () => {
  const flood = new Flood();
  flood.run(ONSET, spoofedFlood);
  const attack = flood.withCookie(ATTACKER);
  const before = flood.admitted;
  flood.run(1_000, () => {
    spoofedFlood(flood);
    if (flood.pair.now % 5 === 0) attack();
  });
  flood.expectNothingLost();
  expect(flood.admitted - before).toBe(PER_SECOND + BURST - 1);
  expect(flood.pair.bob.device.drops.of('rate-limited')).toBe(200 - (PER_SECOND + BURST - 1));
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
  flood.run(1_000, () => {
    for (let count = 0; count < FLOOD; count++) {
      writeUint32(bytes, DATA_LAYOUT.receiverIndex, random.uint32());
      pair.inject('bob', bytes, spoofedIpv4(flood));
    }
  });
  flood.expectNothingLost();
  expect(pair.bob.device.drops.of('unknown-session')).toBe(FLOOD * 1_000);
  expect(pair.bob.device.drops.total).toBe(FLOOD * 1_000);
});
