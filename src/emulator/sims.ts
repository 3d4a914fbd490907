/**
 * The SIMs that the platform knows: virtual ones, and one physical SIM, the line, over which
 * Krypton is asked. A SIM with an Arc session is a peer of the Arc side; without one the Arc side
 * is silent towards its key. Private keys are given out and never kept.
 */
import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../ports/clock.js';
import { randomUint32 } from '../lib/random-uint32.js';
import type { Entropy } from '../ports/entropy.js';
import { createPrivateKey } from '../lib/secrets/key-pair.js';
import { Secret } from '../lib/secrets/secret.js';
import { sameBytes } from '../lib/same-bytes.js';
import { addressKey, type IpAddress } from '../wire/ip-address.js';
import type { ArcNetwork } from './arc-network.js';
import { randomHex } from './random.js';
import { type ArcSim, hasArc, MAX_EVENTS, type SessionEvent, type Sim } from './sim.js';
import {
  clientAddress,
  iccid,
  isClientAddress,
  MAX_SERIAL,
  physicalImsi,
  virtualImsi,
} from './sim-numbers.js';
import { OPERATOR_ID } from './users.js';

/** A SIM with a new key pair, and the one copy of its private key that is ever given out. */
export interface KeyedSim {
  readonly sim: ArcSim;
  readonly privateKey: Secret<Uint8Array>;
}

/** What outlives a restart. */
export interface SavedSims {
  /** Eight digits that tell the SIMs of this platform from those of another. */
  readonly run: string;
  /** The line is the first one. */
  readonly sims: readonly Sim[];
}

export interface SimsOptions {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly arc: Pick<ArcNetwork, 'addPeer' | 'removePeer' | 'publicKey' | 'setPrivateKey'>;
}

/** Terminated ones count. Beyond it createSim is refused. */
export const MAX_SIMS = 1000;

export class Sims {
  readonly #options: SimsOptions;
  readonly #sims = new Map<string, Sim>();
  readonly #simIdByAddress = new Map<number | string, string>();
  readonly #run: string;
  readonly #lineId: string;

  constructor(options: SimsOptions, saved?: SavedSims) {
    this.#options = options;
    this.#run = saved?.run ?? String(randomUint32(options.entropy) % 100_000_000).padStart(8, '0');
    this.#lineId = saved?.sims[0]?.simId ?? iccid(this.#run, 0);
    for (const sim of saved?.sims ?? [this.#newLine()]) {
      if (sim.arc?.session !== undefined) options.arc.addPeer(sim.arc);
      this.#keep(sim);
    }
  }

  save(): SavedSims {
    return { run: this.#run, sims: this.all() };
  }

  /** A virtual SIM with its session; undefined where there are MAX_SIMS already. */
  create(operatorId: string): KeyedSim | undefined {
    const serial = this.#sims.size;
    if (serial > MAX_SIMS) return undefined;
    const simId = iccid(this.#run, serial);
    const imsi = virtualImsi(this.#run, serial);
    const now = this.#now();
    const { privateKey, publicKey } = this.#createKeys();
    const sim = this.createSession({
      simId,
      operatorId,
      type: 'virtual',
      imsi,
      status: 'active',
      tags: new Map([['name', '']]),
      terminationEnabled: false,
      createdTime: now,
      lastModifiedTime: now,
      arc: { iccid: simId, imsi, publicKey, address: clientAddress(serial) },
      events: [],
    });
    return { sim, privateKey };
  }

  /** The oldest first; the line is the first one. */
  all(): readonly Sim[] {
    return [...this.#sims.values()];
  }

  get(simId: string): Sim | undefined {
    return this.#sims.get(simId);
  }

  /** The SIM whose address inside the tunnel this is. */
  byAddress(address: IpAddress): Sim | undefined {
    const simId = this.#simIdByAddress.get(addressKey(address));
    return simId === undefined ? undefined : this.#sims.get(simId);
  }

  /** The physical SIM. */
  line(): Sim {
    const line = this.#sims.get(this.#lineId);
    if (line === undefined) throw new RangeError('the saved SIMs have no line');
    return line;
  }

  /**
   * A new session, in the place of the old one where there is one. Keys and address stay; the
   * WireGuard peer starts anew, so that the client has to handshake again.
   */
  createSession(sim: ArcSim): ArcSim {
    const ended = this.#endSession(sim);
    const now = this.#now();
    const sessionId = randomHex(this.#options.entropy, 8);
    this.#options.arc.addPeer(ended.arc);
    return this.#change({
      ...ended,
      arc: { ...ended.arc, session: { sessionId, createdTime: now } },
      events: withEvent(ended.events, { event: 'Created', time: now, sessionId }),
    });
  }

  /** Ends the session: the Arc side falls silent. undefined where there is none. */
  deleteSession(sim: Sim): Sim | undefined {
    if (!hasArc(sim) || sim.arc.session === undefined) return undefined;
    return this.#change(this.#endSession(sim));
  }

  /**
   * Puts another key in the place of the old one, which ends at once, and a new session.
   *
   * @returns 'key-in-use' where another SIM or the Arc server has the key
   */
  setPublicKey(sim: ArcSim, publicKey: Uint8Array): ArcSim | 'key-in-use' {
    const taken = this.all().some(
      (other) =>
        other.simId !== sim.simId && other.arc && sameBytes(other.arc.publicKey, publicKey),
    );
    if (taken || sameBytes(this.#options.arc.publicKey, publicKey)) return 'key-in-use';
    const ended = this.#endSession(sim);
    return this.createSession({ ...ended, arc: { ...ended.arc, publicKey } });
  }

  /**
   * Gives the SIM another address, as the network of a group does. A session is made anew with it.
   *
   * @returns 'address-in-use' where another SIM has it, or is to have it once it is created
   */
  setAddress(sim: ArcSim, address: IpAddress): ArcSim | 'address-in-use' {
    if (isClientAddress(address) || this.byAddress(address) !== undefined) return 'address-in-use';
    this.#simIdByAddress.delete(addressKey(sim.arc.address));
    const ended = this.#endSession(sim);
    const moved = { ...ended, arc: { ...ended.arc, address } };
    return sim.arc.session === undefined ? this.#change(moved) : this.createSession(moved);
  }

  /** Gives the Arc server another key, as if the sessions had moved to another server. */
  setServerKey(privateKey: Secret<Uint8Array>): void {
    this.#options.arc.setPrivateKey(privateKey);
    for (const { arc } of this.all()) {
      if (arc?.session !== undefined) this.#options.arc.addPeer(arc);
    }
  }

  /** The same with a key pair that is made here. */
  renewKeys(sim: ArcSim): KeyedSim {
    const { privateKey, publicKey } = this.#createKeys();
    const ended = this.#endSession(sim);
    return { sim: this.createSession({ ...ended, arc: { ...ended.arc, publicKey } }), privateKey };
  }

  /** What Krypton does for the line: its one virtual subscription, with new keys each time. */
  bootstrapLine(): KeyedSim {
    const line = this.line();
    if (hasArc(line)) return this.renewKeys(line);
    const { privateKey, publicKey } = this.#createKeys();
    const arc = {
      iccid: iccid(this.#run, MAX_SERIAL),
      imsi: virtualImsi(this.#run, MAX_SERIAL),
      publicKey,
      address: clientAddress(MAX_SERIAL),
    };
    return { sim: this.createSession({ ...line, arc }), privateKey };
  }

  setTerminationEnabled(sim: Sim, terminationEnabled: boolean): Sim {
    return this.#change({ ...sim, terminationEnabled });
  }

  /** Final. The protection has to be off; that is checked where the call comes in. */
  terminate(sim: Sim): Sim {
    const ended = hasArc(sim) ? this.#endSession(sim) : sim;
    return this.#change({ ...ended, status: 'terminated' });
  }

  setTags(sim: Sim, tags: ReadonlyMap<string, string>): Sim {
    return this.#change({ ...sim, tags });
  }

  setGroup(sim: Sim, groupId: string | undefined): Sim {
    return this.#change({ ...sim, groupId });
  }

  #newLine(): Sim {
    const now = this.#now();
    return {
      simId: this.#lineId,
      operatorId: OPERATOR_ID,
      type: 'uicc',
      imsi: physicalImsi(this.#run, 0),
      status: 'active',
      tags: new Map([['name', 'the line']]),
      terminationEnabled: false,
      createdTime: now,
      lastModifiedTime: now,
      events: [],
    };
  }

  /** The SIM without its session; nothing of it is kept yet. */
  #endSession(sim: ArcSim): ArcSim {
    const { session, ...arc } = sim.arc;
    if (session === undefined) return sim;
    const now = this.#now();
    this.#options.arc.removePeer(arc.publicKey);
    const { sessionId } = session;
    const events = withEvent(sim.events, { event: 'Deleted', time: now, sessionId });
    return { ...sim, arc, events, previousSession: { ...session, deletedTime: now } };
  }

  #change<Changed extends Sim>(sim: Changed): Changed {
    const changed = { ...sim, lastModifiedTime: this.#now() };
    this.#keep(changed);
    return changed;
  }

  #keep(sim: Sim): void {
    this.#sims.set(sim.simId, sim);
    if (sim.arc) this.#simIdByAddress.set(addressKey(sim.arc.address), sim.simId);
  }

  #createKeys(): { privateKey: Secret<Uint8Array>; publicKey: Uint8Array } {
    const privateKey = createPrivateKey(this.#options.entropy);
    const publicKey = this.#options.crypto.publicKey(privateKey);
    return { privateKey: new Secret(privateKey), publicKey };
  }

  #now(): number {
    return this.#options.wallClock.unixMilliseconds();
  }
}

function withEvent(events: readonly SessionEvent[], event: SessionEvent): SessionEvent[] {
  return [event, ...events].slice(0, MAX_EVENTS);
}
