/**
 * What the platform remembers: users, tokens, virtual SIMs and their Arc sessions. All of it is
 * bounded and lives in memory; a new emulator knows none of the SIMs of the one before.
 */
import type { Crypto } from '../crypto/crypto.js';
import type { WallClock } from '../lib/clock.js';
import { type Entropy, randomUint32 } from '../lib/entropy.js';
import { Secret } from '../lib/secret.js';
import { addressKey, type IpAddress } from '../wire/ip-address.js';
import type { ArcNetwork } from './arc-network.js';

/** An authentication key and what it may do. */
export interface EmulatorUser {
  readonly authKeyId: string;
  readonly authKey: string;
  /** `Tag:operationId`, `Tag:*` or `*`, as in SORACOM Access Management. */
  readonly permissions: readonly string[];
}

export interface Login {
  readonly apiKey: string;
  readonly token: string;
}

/** A live token with the permissions that it was given; a later change does not reach it. */
export interface TokenGrant {
  readonly apiKey: string;
  readonly permissions: readonly string[];
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface VirtualSim {
  readonly simId: string;
  readonly imsi: string;
  readonly publicKey: Uint8Array;
  readonly address: IpAddress;
  /** Unix milliseconds. */
  readonly createdTime: number;
  readonly session: ArcSession;
}

export interface ArcSession {
  readonly sessionId: string;
  /** Unix milliseconds. */
  readonly createdTime: number;
}

/** A new SIM, with the one copy of its private key that the platform ever gives out. */
export interface CreatedSim {
  readonly sim: VirtualSim;
  readonly privateKey: Secret<Uint8Array>;
}

export interface PlatformStateOptions {
  readonly crypto: Pick<Crypto, 'publicKey'>;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly arc: Pick<ArcNetwork, 'addPeer' | 'removePeer'>;
  readonly users: readonly EmulatorUser[];
}

export const OPERATOR_ID = 'OP0000000000';

/** Beyond it the oldest token is revoked. */
export const MAX_TOKENS = 1000;

/** Beyond it createSim is refused. The serial number in a SIM's id has room for 9999. */
export const MAX_SIMS = 1000;

export class PlatformState {
  readonly #options: PlatformStateOptions;
  readonly #tokens = new Map<string, TokenGrant>();
  readonly #sims = new Map<string, VirtualSim>();
  readonly #simIdByAddress = new Map<number | string, string>();
  /** Tells the SIM ids of this emulator from those of an earlier one. */
  readonly #run: string;

  constructor(options: PlatformStateOptions) {
    this.#options = options;
    this.#run = String(randomUint32(options.entropy) % 100_000_000).padStart(8, '0');
  }

  /**
   * A token for the right key, or undefined for a wrong one.
   *
   * @param timeoutSeconds how long the token lives
   */
  logIn(authKeyId: string, authKey: string, timeoutSeconds: number): Login | undefined {
    const user = this.#options.users.find(
      (candidate) => candidate.authKeyId === authKeyId && candidate.authKey === authKey,
    );
    if (user === undefined) return undefined;
    const now = this.#options.wallClock.unixMilliseconds();
    const expiresAt = now + timeoutSeconds * 1000;
    const apiKey = `api-${this.#randomHex(16)}`;
    const token = this.#createToken(now, expiresAt);
    this.#tokens.set(token, { apiKey, permissions: [...user.permissions], expiresAt });
    const oldest = this.#tokens.keys().next();
    if (this.#tokens.size > MAX_TOKENS && !oldest.done) this.#tokens.delete(oldest.value);
    return { apiKey, token };
  }

  /** What a pair of API key and token may do; undefined where they are unknown or expired. */
  grantOf(login: Login): TokenGrant | undefined {
    const grant = this.#tokens.get(login.token);
    if (grant?.apiKey !== login.apiKey) return undefined;
    if (this.#options.wallClock.unixMilliseconds() >= grant.expiresAt) {
      this.#tokens.delete(login.token);
      return undefined;
    }
    return grant;
  }

  logOut(token: string): void {
    this.#tokens.delete(token);
  }

  /** Creates a virtual SIM with its session; undefined where there are MAX_SIMS already. */
  createSim(): CreatedSim | undefined {
    const serial = this.#sims.size + 1;
    if (serial > MAX_SIMS) return undefined;
    const privateKey = createPrivateKey(this.#options.entropy);
    const now = this.#options.wallClock.unixMilliseconds();
    const sim: VirtualSim = {
      simId: this.#simId(serial),
      imsi: `99999${this.#run.slice(0, 6)}${fourDigits(serial)}`,
      publicKey: this.#options.crypto.publicKey(privateKey),
      address: clientAddress(serial),
      createdTime: now,
      session: this.#createSession(now),
    };
    this.#options.arc.addPeer(sim);
    this.#sims.set(sim.simId, sim);
    this.#simIdByAddress.set(addressKey(sim.address), sim.simId);
    return { sim, privateKey: new Secret(privateKey) };
  }

  sim(simId: string): VirtualSim | undefined {
    return this.#sims.get(simId);
  }

  /** The SIM whose address inside the tunnel this is. */
  simByAddress(address: IpAddress): VirtualSim | undefined {
    const simId = this.#simIdByAddress.get(addressKey(address));
    return simId === undefined ? undefined : this.#sims.get(simId);
  }

  /**
   * Puts a new Arc session in the place of the old one. Keys and address stay; the WireGuard peer
   * starts anew, so that the client has to handshake again.
   */
  recreateSession(sim: VirtualSim): VirtualSim {
    const now = this.#options.wallClock.unixMilliseconds();
    const renewed: VirtualSim = { ...sim, session: this.#createSession(now) };
    this.#options.arc.removePeer(sim.publicKey);
    this.#options.arc.addPeer(renewed);
    this.#sims.set(sim.simId, renewed);
    return renewed;
  }

  #createSession(now: number): ArcSession {
    return { sessionId: this.#randomHex(8), createdTime: now };
  }

  /** An ICCID: 19 digits, the last one of them Luhn's (ITU-T E.118). */
  #simId(serial: number): string {
    const digits = `894230${this.#run}${fourDigits(serial)}`;
    return digits + String(luhnDigit(digits));
  }

  /** A JWT in shape: clients read the operator's id from its payload. Its signature is random. */
  #createToken(now: number, expiresAt: number): string {
    const header = { alg: 'none', typ: 'JWT' };
    const payload = {
      iat: Math.floor(now / 1000),
      exp: Math.floor(expiresAt / 1000),
      operator: { operatorId: OPERATOR_ID },
    };
    const parts = [header, payload].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    return [...parts, this.#randomBytes(32).toString('base64url')].join('.');
  }

  #randomHex(bytes: number): string {
    return this.#randomBytes(bytes).toString('hex');
  }

  #randomBytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.#options.entropy.fill(bytes);
    return bytes;
  }
}

/** A random X25519 private key, clamped as RFC 7748 section 5 says. */
export function createPrivateKey(entropy: Entropy): Uint8Array {
  const key = Buffer.alloc(32);
  entropy.fill(key);
  key[0] = key.readUInt8(0) & 248;
  key[31] = (key.readUInt8(31) & 127) | 64;
  return new Uint8Array(key);
}

/** 10.0.0.2 for the first SIM, and on. */
function clientAddress(serial: number): IpAddress {
  const host = serial + 1;
  return Uint8Array.of(10, host >> 16, (host >> 8) & 0xff, host & 0xff);
}

function fourDigits(serial: number): string {
  return String(serial).padStart(4, '0');
}

/** The check digit to be put behind `digits` (ISO/IEC 7812-1, annex B). */
function luhnDigit(digits: string): number {
  let sum = 0;
  for (const [index, digit] of Array.from(digits).reverse().entries()) {
    const weighted = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return (10 - (sum % 10)) % 10;
}
