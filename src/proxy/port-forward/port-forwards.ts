/** All port forwards of a tunnel: opens, lists and removes them. */
import { codeOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import { requireLoopback } from '../listen-address.js';
import type { ProxyLog } from '../proxy-log.js';
import { summedLog } from '../summed-log.js';
import {
  type ForwardStatus,
  forwardStatus,
  namedForward,
  type OpenForward,
} from './forward-counters.js';
import type { InnerNetwork } from './inner-network.js';
import {
  FORWARD_FLAG,
  type ForwardPlace,
  listenText,
  placeKey,
  placeText,
  type PortForward,
} from './port-forward.js';
import { FORWARD_RISK, type ForwardHost, openLocalTcp, openRemoteTcp } from './tcp-forwards.js';
import { openLocalUdp, openRemoteUdp } from './udp-forwards.js';

/** The maximum number of forwards of one tunnel. */
const MAX_FORWARDS = 256;

export interface PortForwardsOptions {
  /** Resolves when the tunnel is open. */
  readonly network: Promise<InnerNetwork>;
  readonly log: ProxyLog;
  /** See ForwardHost. */
  readonly most?: number | undefined;
}

/**
 * Rejects forwards that other machines could use, because forwards have no authentication.
 *
 * @throws UserError of kind `usage`
 */
export function requireLoopbackForwards(
  forwards: readonly PortForward[],
  allowOpen: boolean,
): void {
  for (const forward of forwards) {
    if (forward.kind === 'remote' || 'path' in forward.listen) continue;
    requireLoopback(
      forward.listen.host,
      allowOpen,
      `anyone who can reach the address could ${FORWARD_RISK}`,
    );
  }
}

/**
 * Rejects two forwards with the same place, which could fail only after the tunnel is open.
 *
 * @throws UserError of kind `usage`
 */
export function requireDistinctForwards(forwards: readonly PortForward[]): void {
  const places = new Set<string>();
  for (const forward of forwards) {
    const isAnyPort =
      'port' in forward ? forward.port === 0 : placeText(forward.listen).endsWith(':0');
    if (isAnyPort) continue;
    const key = placeKey(forward);
    if (places.has(key)) {
      throw new UserError('usage', {
        what: `cannot forward ${listenText(forward)} twice`,
        why: `two forwards (${FORWARD_FLAG[forward.kind]} or arc.json) listen there`,
        next: ['Remove one of them, or choose another port or path for it.'],
      });
    }
    places.add(key);
  }
}

export class PortForwards {
  readonly #log: ProxyLog;
  readonly #host: ForwardHost;
  readonly #turns = new SerialQueue();
  readonly #open = new Map<string, OpenForward>();
  /** Removed forwards with open connections. */
  readonly #draining = new Set<OpenForward>();
  #isClosed = false;

  constructor({ network, log, most }: PortForwardsOptions) {
    // Mark a rejection as handled, because possibly no forward waits for the tunnel.
    network.catch(() => undefined);
    this.#log = summedLog(log);
    this.#host = { network, log: this.#log, most };
  }

  /** The number of open connections and associations. */
  get active(): number {
    const all = [...this.#open.values(), ...this.#draining];
    return all.reduce((sum, { counters }) => sum + counters.active, 0);
  }

  /** Returns the open forwards in the order in which they were opened. */
  list(): readonly ForwardStatus[] {
    return [...this.#open.values()].map(forwardStatus);
  }

  /**
   * Opens all forwards; if one fails, opens none.
   *
   * @returns the opened forwards, with the ports that the system chose
   * @throws UserError if a port or path is unavailable
   */
  open(forwards: readonly PortForward[]): Promise<readonly ForwardStatus[]> {
    return this.#turns.run(async () => {
      const opened: OpenForward[] = [];
      try {
        for (const forward of forwards) opened.push(await this.#openOne(forward));
      } catch (error) {
        for (const one of opened) this.#remove(one);
        throw error;
      }
      return opened.map(forwardStatus);
    });
  }

  /**
   * Stops listening for forwards; if one is not open, removes none. Open TCP connections continue;
   * UDP associations end.
   *
   * @throws UserError of kind `usage` if a forward is not open
   */
  remove(places: readonly ForwardPlace[]): Promise<readonly ForwardStatus[]> {
    return this.#turns.run(() => {
      const found = places.map((place) => this.#open.get(placeKey(place)) ?? notOpen(place));
      const removed = [...new Set(found)];
      for (const one of removed) {
        this.#remove(one);
        this.#log.info(namedForward(one), 'forward removed');
      }
      return Promise.resolve(removed.map(forwardStatus));
    });
  }

  /**
   * Closes all forwards.
   *
   * @param graceMs milliseconds after which open connections are reset
   */
  close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#isClosed = true;
    return this.#turns.run(async () => {
      for (const one of [...this.#open.values()]) this.#remove(one);
      await Promise.all([...this.#draining].map((one) => one.drain(graceMs)));
    });
  }

  async #openOne(forward: PortForward): Promise<OpenForward> {
    if (this.#isClosed) throw refusal(forward, 'the tunnel is closing', []);
    if (this.#open.size >= MAX_FORWARDS) {
      const next = ['Remove a forward with "arctun forward remove".'];
      throw refusal(forward, `a tunnel can have at most ${MAX_FORWARDS} forwards`, next);
    }
    const one = await openForward(forward, this.#host);
    this.#open.set(placeKey(one.forward), one);
    this.#log.info(namedForward(one), 'forward listening');
    return one;
  }

  #remove(one: OpenForward): void {
    this.#open.delete(placeKey(one.forward));
    one.stop();
    this.#draining.add(one);
    void one.drain(Infinity).then(() => this.#draining.delete(one));
  }
}

async function openForward(forward: PortForward, host: ForwardHost): Promise<OpenForward> {
  const { protocol } = forward;
  if (forward.kind === 'local') {
    return protocol === 'tcp' ? openLocalTcp(forward, host) : openLocalUdp(forward, host);
  }
  try {
    return await (protocol === 'tcp' ? openRemoteTcp(forward, host) : openRemoteUdp(forward, host));
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    const next = ['Choose another port (0 picks a free port).'];
    throw refusal(forward, 'this port inside the tunnel is in use', next);
  }
}

function refusal(forward: PortForward, why: string, next: readonly string[]): UserError {
  const flag = FORWARD_FLAG[forward.kind];
  const what = `cannot forward ${listenText(forward)} to ${placeText(forward.target)} (${flag})`;
  return new UserError('failed', { what, why, next });
}

function notOpen(place: ForwardPlace): never {
  const flag = FORWARD_FLAG[place.kind];
  const protocol = place.protocol === 'udp' ? '/udp' : '';
  throw new UserError('usage', {
    what: `cannot remove ${flag} ${listenText(place)}${protocol}`,
    why: 'this forward is not open',
    next: ['List the open forwards with "arctun forward list".'],
  });
}
