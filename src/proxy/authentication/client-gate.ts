/** Decides which clients may use the proxy, and which tunnel each one uses. */
import { type PasswordCheck, readBasic, type UserCredentials } from './password-check.js';
import { type ChosenTunnel, listOf, type TunnelChoice, unknownName } from './tunnel-choice.js';
import type { ClientHead } from '../http/client/client-message.js';
import type { ForwardFailure } from '../http/failure.js';

export interface ClientGateOptions {
  /** Undefined if clients need no password. */
  readonly password: PasswordCheck | undefined;
  /** Undefined if the proxy has only one tunnel. */
  readonly choice: TunnelChoice | undefined;
  /** Whether only this machine can reach the proxy. */
  readonly isLocal: boolean;
}

/** A client that may use the proxy. */
export interface Admission {
  /** The tunnel that the client has chosen; undefined if the proxy has only one tunnel. */
  readonly via: ChosenTunnel | undefined;
}

export class ClientGate {
  readonly #options: ClientGateOptions;

  constructor(options: ClientGateOptions) {
    this.#options = options;
  }

  /** Whether clients must send a password. */
  get needsPassword(): boolean {
    return this.#options.password !== undefined;
  }

  /** Whether clients must send a user name, possibly with a password. */
  get needsUser(): boolean {
    return this.needsPassword || this.#options.choice !== undefined;
  }

  /** Checks the client of a SOCKS5 session, or of an HTTP request. */
  admit({ user, password }: UserCredentials): Admission | ForwardFailure {
    const check = this.#options.password;
    // Check the password first, so that only an authenticated client learns whether a name exists.
    if (check !== undefined && !check.isRight(password)) {
      return WRONG_PASSWORD;
    }
    return this.admitUser(Buffer.from(user).toString('utf8'));
  }

  /** Checks the user name of a client that needs no password, or has sent it. */
  admitUser(user: string): Admission | ForwardFailure {
    const { choice } = this.#options;
    if (choice === undefined) return { via: undefined };
    const via = choice.find(user);
    if (via !== undefined) return { via };
    return { reason: 'unknown-user', message: unknownName(choice, this.#mayList) };
  }

  /** Adds the tunnel to the target of an HTTP request, unless the client may not use the proxy. */
  admitRequest<Target extends object>(
    target: Target | ForwardFailure,
    request: ClientHead,
  ): (Target & Partial<Admission>) | ForwardFailure {
    if (!this.needsUser || 'reason' in target) return target;
    const client = readBasic(request);
    if (client === 'absent') return { reason: 'password-required', message: this.#demand() };
    const admission = client === 'malformed' ? WRONG_PASSWORD : this.admit(client);
    if ('reason' in admission) return admission;
    return { ...target, via: admission.via };
  }

  get #mayList(): boolean {
    return this.needsPassword || this.#options.isLocal;
  }

  /** What a client is asked for that has not sent anything. */
  #demand(): string {
    const { choice, isLocal } = this.#options;
    if (choice === undefined) return 'this proxy requires a password';
    const password = this.needsPassword ? ', with the password of the proxy' : '';
    const names = isLocal && !this.needsPassword ? listOf(choice) : '';
    return `this proxy has several SIMs: send the name of one as the user name${password}${names}`;
  }
}

/** Also the answer to malformed credentials. */
export const WRONG_PASSWORD: ForwardFailure = {
  reason: 'wrong-password',
  message: 'the password for this proxy is wrong',
};
