/** The valid API tokens, kept only in memory. */
import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import { randomBytes, randomHex } from './random.js';
import { type EmulatorUser, operatorOf } from './users.js';

export interface Login {
  readonly apiKey: string;
  readonly token: string;
}

/**
 * A valid token, and the user as of the sign-in. Later changes to the user do not affect the token.
 */
export interface TokenGrant {
  readonly apiKey: string;
  readonly user: EmulatorUser;
  /** When the token expires, in Unix milliseconds. */
  readonly expiresAt: number;
}

/** The maximum number of tokens; creating another token revokes the oldest one. */
export const MAX_TOKENS = 1000;

export class Tokens {
  readonly #entropy: Entropy;
  readonly #wallClock: WallClock;
  readonly #grants = new Map<string, TokenGrant>();

  constructor(entropy: Entropy, wallClock: WallClock) {
    this.#entropy = entropy;
    this.#wallClock = wallClock;
  }

  /** @param timeoutSeconds the lifetime of the token */
  create(user: EmulatorUser, timeoutSeconds: number): Login {
    const now = this.#wallClock.unixMilliseconds();
    const expiresAt = now + timeoutSeconds * 1000;
    const apiKey = `api-${randomHex(this.#entropy, 16)}`;
    const token = this.#createToken(user, now, expiresAt);
    this.#grants.set(token, { apiKey, user, expiresAt });
    const oldest = this.#grants.keys().next();
    if (this.#grants.size > MAX_TOKENS && !oldest.done) this.#grants.delete(oldest.value);
    return { apiKey, token };
  }

  /** Returns the grant for an API key and token; undefined if they are unknown or expired. */
  grantOf(login: Login): TokenGrant | undefined {
    const grant = this.#grants.get(login.token);
    if (grant?.apiKey !== login.apiKey) return undefined;
    if (this.#wallClock.unixMilliseconds() >= grant.expiresAt) {
      this.#grants.delete(login.token);
      return undefined;
    }
    return grant;
  }

  revoke(token: string): void {
    this.#grants.delete(token);
  }

  /** Creates a JWT with a random signature; clients read the operator ID from its payload. */
  #createToken(user: EmulatorUser, now: number, expiresAt: number): string {
    const header = { alg: 'none', typ: 'JWT' };
    const payload = {
      iat: Math.floor(now / 1000),
      exp: Math.floor(expiresAt / 1000),
      operator: { operatorId: operatorOf(user) },
    };
    const parts = [header, payload].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    return [...parts, randomBytes(this.#entropy, 32).toString('base64url')].join('.');
  }
}
