/**
 * Keys expire on time (whitepaper 6.1 to 6.3): none is used after 180 s, by the monotonic clock and
 * by true time; none is in memory 540 s after the last session was derived; and none is ever held
 * for more than 720 s, however often others are derived.
 */
import { type End, type Side, SIDES } from '../end.js';
import { Violation, type Invariant, type World } from '../invariant.js';
import type { KeyRecord } from '../recording-crypto.js';

const REJECT_AFTER_TIME = 180_000;
const ZERO_KEYS_AFTER_TIME = 540_000;
/** Deriving a session releases expired keys, and 540 s later no key is left. */
const LONGEST_HELD = REJECT_AFTER_TIME + ZERO_KEYS_AFTER_TIME;
/** previous, current and next, with two keys each. */
const MAX_KEYS = 6;
/** The three sessions and one handshake. */
const MAX_INDICES = 4;
const MAX_STAGED = 128;

export class KeyAges implements Invariant {
  readonly name = 'key-ages';
  readonly #world: World;
  readonly #held: Record<Side, Set<KeyRecord>> = { alice: new Set(), bob: new Set() };
  readonly #lastDerived: Record<Side, number> = { alice: 0, bob: 0 };
  zeroed = 0;

  constructor(world: World) {
    this.#world = world;
  }

  keyCreated(key: KeyRecord): void {
    const { side, now } = key.end;
    this.#held[side].add(key);
    this.#lastDerived[side] = now;
  }

  keyWiped(key: KeyRecord): void {
    const { side, now } = key.end;
    this.#held[side].delete(key);
    if (now - this.#lastDerived[side] >= ZERO_KEYS_AFTER_TIME) this.zeroed++;
  }

  sealed(key: KeyRecord): void {
    this.#used(key, 'sealed');
  }

  opened(key: KeyRecord): void {
    this.#used(key, 'opened');
  }

  #used(key: KeyRecord, how: string): void {
    const { side, now } = key.end;
    if (key.isWiped) throw this.#violation(`${side} ${how} a packet under a wiped key`);
    const age = Math.max(now - key.createdAt, this.#world.virtualNow - key.createdAtVirtual);
    if (age >= REJECT_AFTER_TIME) {
      throw this.#violation(`${side} ${how} a packet under a key that is ${age} ms old`);
    }
  }

  incident(end: End, incident: string): void {
    // The memory of the old process is gone, wiped or not.
    if (incident === 'restarted') this.#held[end.side].clear();
  }

  settled(): void {
    for (const side of SIDES) {
      const end = this.#world.ends[side];
      if (!end.isAsleep) this.#check(end);
    }
  }

  #check(end: End): void {
    const { side, now, peer } = end;
    const held = this.#held[side].size;
    const { previous, current, next } = peer.keypairs;
    const keypairs = [previous, current, next].filter((keypair) => keypair !== undefined).length;
    const since = now - this.#lastDerived[side];
    if (since >= ZERO_KEYS_AFTER_TIME && (held > 0 || keypairs > 0)) {
      throw this.#violation(`${side} holds ${held} keys ${since} ms after the last was derived`);
    }
    for (const key of this.#held[side]) {
      const age = now - key.createdAt;
      if (age > LONGEST_HELD) throw this.#violation(`${side} holds a key that is ${age} ms old`);
    }
    if (held !== 2 * keypairs) {
      throw this.#violation(`${side} has ${keypairs} sessions and holds ${held} keys`);
    }
    const indices = keypairs + (peer.handshake.awaitsResponse ? 1 : 0);
    const { sessionIndices } = end.device.tableSizes;
    if (sessionIndices !== indices || indices > MAX_INDICES || held > MAX_KEYS) {
      throw this.#violation(`${side} has ${sessionIndices} indices in use, ${indices} expected`);
    }
    if (peer.stagedPackets > MAX_STAGED) {
      throw this.#violation(`${side} has ${peer.stagedPackets} packets waiting`);
    }
  }

  #violation(what: string): Violation {
    return new Violation(this.#world, this.name, what);
  }
}
