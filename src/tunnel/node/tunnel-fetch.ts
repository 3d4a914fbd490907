import { UserError } from '../../lib/errors/user-error.js';
import type { UndiciConnector } from './http-agent.js';

/** The part of undici that fetch() needs. The library's interface does not contain undici's types. */
interface Undici {
  readonly Agent: new (options: { connect: UndiciConnector }) => { destroy(): Promise<void> };
  readonly fetch: (url: string | URL, init: object) => Promise<Response>;
}

/** Implements fetch() for the network inside a tunnel, with the package undici. */
export class TunnelFetch {
  readonly #connect: () => UndiciConnector;
  readonly #load: () => Promise<unknown>;
  #undici: Promise<Undici> | undefined;
  #agent: InstanceType<Undici['Agent']> | undefined;

  /** @param load imports undici */
  constructor(connect: () => UndiciConnector, load = (): Promise<unknown> => import('undici')) {
    this.#connect = connect;
    this.#load = load;
  }

  /** @throws UserError of kind `failed` if undici is not installed; errors of undici's fetch() */
  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    this.#undici ??= this.#load().catch(notInstalled) as Promise<Undici>;
    const { Agent, fetch } = await this.#undici;
    this.#agent ??= new Agent({ connect: this.#connect() });
    return fetch(url, { ...init, dispatcher: this.#agent });
  }

  /** Ends the connections that are kept for further requests. */
  async close(): Promise<void> {
    await this.#agent?.destroy();
  }
}

function notInstalled(cause: unknown): never {
  throw new UserError('failed', {
    what: 'cannot use fetch() of the tunnel',
    why: 'the package undici cannot be loaded',
    next: ['Install it with "npm install undici@7".'],
    cause,
  });
}
