/**
 * The emulator's SIMs: virtual SIMs, and one physical SIM ("the line"), which is treated as the
 * caller of Krypton. A SIM with an Arc session is a WireGuard peer of the Arc server; the server
 * ignores the keys of all other SIMs. Private keys are returned once and never stored.
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
import { OPERATOR_ID } from './users.js';

/** A SIM with a new key pair, and the only copy of its private key. */
export interface KeyedSim {
  readonly sim: ArcSim;
  readonly privateKey: Secret<Uint8Array>;
}

/** The SIM data that survives a restart. */
export interface SavedSims {
  /** Eight digits that distinguish this emulator's SIM numbers from those of other emulators. */
  readonly run: string;
  /** The SIMs; the first SIM is the physical one. */
  readonly sims: readonly Sim[];
}

export interface SimsOptions {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly arc: Pick<ArcNetwork, 'addPeer' | 'removePeer' | 'publicKey' | 'setPrivateKey'>;
}

/** The maximum number of SIMs, including terminated ones; at the limit, createSim is refused. */
export const MAX_SIMS = 1000;

/** The maximum serial number, which has four digits. */
const MAX_SERIAL = 9999;

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

  /** Creates a virtual SIM with a session; returns undefined if MAX_SIMS is reached. */
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

  /** Returns all SIMs, oldest first, beginning with the physical SIM. */
  all(): readonly Sim[] {
    return [...this.#sims.values()];
  }

  get(simId: string): Sim | undefined {
    return this.#sims.get(simId);
  }

  /** Returns the SIM with this address inside the tunnel. */
  byAddress(address: IpAddress): Sim | undefined {
    const simId = this.#simIdByAddress.get(addressKey(address));
    return simId === undefined ? undefined : this.#sims.get(simId);
  }

  line(): Sim {
    const line = this.#sims.get(this.#lineId);
    if (line === undefined) throw new RangeError('the saved SIMs do not include the cellular SIM');
    return line;
  }

  /**
   * Creates a session, replacing an existing one. The SIM keeps its keys and address. The WireGuard
   * peer is recreated, so the client must perform a new handshake.
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

  /**
   * Deletes the session, so that the Arc server ignores the client; undefined if no session exists.
   */
  deleteSession(sim: Sim): Sim | undefined {
    if (!hasArc(sim) || sim.arc.session === undefined) return undefined;
    return this.#change(this.#endSession(sim));
  }

  /**
   * Immediately replaces the SIM's public key and creates a new session.
   *
   * @returns 'key-in-use' if another SIM or the Arc server uses the key
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
   * Changes the SIM's address, as a group's network configuration can; recreates the session.
   *
   * @returns 'address-in-use' if another SIM has the address or may get it when created
   */
  setAddress(sim: ArcSim, address: IpAddress): ArcSim | 'address-in-use' {
    if (isClientAddress(address) || this.byAddress(address) !== undefined) return 'address-in-use';
    this.#simIdByAddress.delete(addressKey(sim.arc.address));
    const ended = this.#endSession(sim);
    const moved = { ...ended, arc: { ...ended.arc, address } };
    return sim.arc.session === undefined ? this.#change(moved) : this.createSession(moved);
  }

  /** Replaces the Arc server's key, as if the sessions had moved to another server. */
  setServerKey(privateKey: Secret<Uint8Array>): void {
    this.#options.arc.setPrivateKey(privateKey);
    for (const { arc } of this.all()) {
      if (arc?.session !== undefined) this.#options.arc.addPeer(arc);
    }
  }

  /** Replaces the SIM's key pair with a generated one, and creates a new session. */
  renewKeys(sim: ArcSim): KeyedSim {
    const { privateKey, publicKey } = this.#createKeys();
    const ended = this.#endSession(sim);
    return { sim: this.createSession({ ...ended, arc: { ...ended.arc, publicKey } }), privateKey };
  }

  /**
   * Performs Krypton's bootstrap for the physical SIM: creates its virtual subscription, or
   * replaces the subscription's key pair.
   */
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

  /** Terminates a SIM permanently. The caller must check termination protection. */
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

  /** Returns the SIM without its session; the caller must store the result. */
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

/** Returns an ICCID: 19 digits, of which the last is a Luhn check digit (ITU-T E.118). */
function iccid(run: string, serial: number): string {
  const digits = `894230${run}${fourDigits(serial)}`;
  return digits + String(luhnDigit(digits));
}

/** Returns the IMSI of a virtual subscription: 15 digits, beginning with 99999. */
function virtualImsi(run: string, serial: number): string {
  return `99999${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** Returns the IMSI of a physical SIM: 15 digits, with the prefix of a Japanese network. */
function physicalImsi(run: string, serial: number): string {
  return `44010${run.slice(0, 6)}${fourDigits(serial)}`;
}

/** Returns the address for a serial number; serial number 1 gets 10.0.0.2. */
function clientAddress(serial: number): IpAddress {
  const host = serial + 1;
  return Uint8Array.of(10, host >> 16, (host >> 8) & 0xff, host & 0xff);
}

/** Whether an address is in 10.0.0.0/16, the range from which new SIMs get their addresses. */
function isClientAddress([first, second]: IpAddress): boolean {
  return first === 10 && second === 0;
}

function fourDigits(serial: number): string {
  return String(serial).padStart(4, '0');
}

/** Returns the check digit to append to `digits` (ISO/IEC 7812-1, annex B). */
function luhnDigit(digits: string): number {
  let sum = 0;
  for (const [index, digit] of Array.from(digits).reverse().entries()) {
    const weighted = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return (10 - (sum % 10)) % 10;
}
