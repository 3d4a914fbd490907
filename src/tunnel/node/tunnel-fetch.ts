import { UserError } from '../../lib/errors/user-error.js';
import type { UndiciConnector } from './http-agent.js';

/** The part of undici that fetch() needs. The library's interface does not contain undici's types. */
interface Undici {
  readonly Agent: new (options: { connect: UndiciConnector }) => {
    close(): Promise<void>;
    destroy(): Promise<void>;
  };
  readonly fetch: (url: string | URL, init: object) => Promise<Response>;
}

/**
 * How long a kept connection may be idle, in milliseconds, as in undici. undici's own timer stands
 * still while the process is frozen, as in AWS Lambda, so the next request would use a connection
 * that the server has closed.
 */
const LONGEST_IDLE = 4_000;

/** Implements fetch() for the network inside a tunnel, with the package undici. */
export class TunnelFetch {
  readonly #connect: () => UndiciConnector;
  readonly #load: () => Promise<unknown>;
  #undici: Promise<Undici> | undefined;
  #agent: InstanceType<Undici['Agent']> | undefined;
  readonly #unixTime: () => number;
  #usedAt = 0;

  /**
   * @param load imports undici
   * @param unixTime returns Unix milliseconds, which also pass while the process is frozen
   */
  constructor(
    connect: () => UndiciConnector,
    load = (): Promise<unknown> => import('undici'),
    unixTime = (): number => Date.now(),
  ) {
    this.#connect = connect;
    this.#load = load;
    this.#unixTime = unixTime;
  }

  /** @throws UserError of kind `failed` if undici is not installed; errors of undici's fetch() */
  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    this.#undici ??= this.#load().catch(notInstalled) as Promise<Undici>;
    const { Agent, fetch } = await this.#undici;
    if (this.#unixTime() - this.#usedAt > LONGEST_IDLE) this.#leaveConnections();
    this.#agent ??= new Agent({ connect: this.#connect() });
    this.#usedAt = this.#unixTime();
    try {
      return await fetch(url, { ...init, dispatcher: this.#agent });
    } finally {
      this.#usedAt = this.#unixTime();
    }
  }

  /** Lets running requests end on their connections, but does not use these again. */
  #leaveConnections(): void {
    this.#agent?.close().catch(() => undefined);
    this.#agent = undefined;
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
