/** Opens TCP forwards: on this machine (-L) and inside the tunnel (-R). */
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';

import { oldestIdle } from '../../lib/oldest-idle.js';
import { untilAborted } from '../../lib/waits.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { clientName } from '../access-line.js';
import { openPort } from '../open-port.js';
import { openAtPath } from '../open-socket-file.js';
import type { ProxyLog } from '../proxy-log.js';
import { type JoinOptions, JoinedConnection } from '../relay/joined-connection.js';
import { resetStream } from '../reset.js';
import { ForwardCounters, type OpenForward } from './forward-counters.js';
import type { InnerNetwork } from './inner-network.js';
import { connectLocally } from './local-dial.js';
import {
  FORWARD_FLAG,
  type LocalForward,
  type LocalPlace,
  placeText,
  type RemoteForward,
} from './port-forward.js';

/** The maximum number of open connections of one forward. */
const MAX_CONNECTIONS = 1024;

/** What a client of an open port can do, for warnings. */
export const FORWARD_RISK = 'use this forward, with traffic that is billed to this SIM';

export interface ForwardHost {
  /** Resolves when the tunnel is open. */
  readonly network: Promise<InnerNetwork>;
  readonly log: ProxyLog;
  /** The maximum number of connections or associations of a forward. */
  readonly most?: number | undefined;
}

/** @throws UserError if the port or path cannot be opened */
export async function openLocalTcp(
  forward: LocalForward,
  { network, log, most }: ForwardHost,
): Promise<OpenForward> {
  const connections = new ForwardedConnections(new ForwardCounters('local'), log, most);
  const target = formatAuthority(forward.target);
  const dial = async (signal: AbortSignal) =>
    (await untilAborted(network, signal)).dialer.dial(forward.target, signal);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    connections.add(socket, { client: clientName(socket), target }, dial),
  );
  const listen = await listenAt(server, forward.listen, log);
  return {
    forward: { ...forward, listen },
    counters: connections.counters,
    stop: () => void server.close(),
    drain: (graceMs) => connections.drain(graceMs),
  };
}

async function listenAt(server: Server, listen: LocalPlace, log: ProxyLog): Promise<LocalPlace> {
  const flag = FORWARD_FLAG.local;
  if (!('path' in listen)) return openPort(server, { listen, flag, risk: FORWARD_RISK, log });
  await openAtPath(server, listen.path, listen.path, { flag, log });
  return listen;
}

/** @throws Error with the code EADDRINUSE; rejects if the tunnel cannot be opened */
export async function openRemoteTcp(
  forward: RemoteForward,
  { network, log, most }: ForwardHost,
): Promise<OpenForward> {
  const connections = new ForwardedConnections(new ForwardCounters('remote'), log, most);
  const target = placeText(forward.target);
  const dial = (signal: AbortSignal) => connectLocally(forward.target, signal);
  const listener = await (
    await network
  ).listenTcp(forward.port, (stream, from) =>
    connections.add(stream, { client: formatAuthority(from), target }, dial),
  );
  return {
    forward: { ...forward, port: listener.port },
    counters: connections.counters,
    stop: () => listener.close(),
    drain: (graceMs) => connections.drain(graceMs),
  };
}

/** The open connections of one forward. */
class ForwardedConnections {
  readonly counters: ForwardCounters;
  readonly #log: ProxyLog;
  readonly #most: number;
  /** Each connection, and whether any bytes have passed, in either direction. */
  readonly #open = new Map<JoinedConnection, { isBusy: boolean }>();
  readonly #onDrained: (() => void)[] = [];

  constructor(counters: ForwardCounters, log: ProxyLog, most = MAX_CONNECTIONS) {
    this.counters = counters;
    this.#log = log;
    this.#most = most;
  }

  add(
    client: Duplex,
    parties: { client: string; target: string },
    dial: (signal: AbortSignal) => Promise<Duplex>,
  ): void {
    if (!this.#makeRoom(parties.target)) {
      client.on('error', () => undefined);
      resetStream(client, 'too many connections');
      return;
    }
    const { counters } = this;
    const use = { isBusy: false };
    const options: JoinOptions = {
      ...{ dial, parties, log: this.#log },
      refuse: ({ reason, message }) => {
        // A closed forward has not failed.
        if (reason !== 'closed') counters.failures++;
        // A clean end would look like an empty response from the target.
        resetStream(client, message);
      },
      onBytes: (from, count) => {
        use.isBusy = true;
        counters[from === client ? 'toTarget' : 'fromTarget'] += count;
      },
    };
    const connection = new JoinedConnection(client, options, () => {
      counters.active--;
      this.#open.delete(connection);
      if (this.#open.size > 0) return;
      for (const onDrained of this.#onDrained.splice(0)) onDrained();
    });
    counters.connections++;
    counters.active++;
    this.#open.set(connection, use);
    connection.start();
  }

  /**
   * Keeps one client from occupying all connections by closing the oldest one that has carried
   * nothing. A used connection stays open, because the protocol is unknown.
   *
   * @returns false if all connections have been used
   */
  #makeRoom(target: string): boolean {
    if (this.#open.size < this.#most) return true;
    const unused = oldestIdle(this.#open);
    const outcome =
      unused === undefined
        ? 'a new connection was closed'
        : 'the oldest connection without any data was closed';
    this.counters.failures++;
    this.#log.warn({ maxConnections: this.#most, target }, `too many connections: ${outcome}`);
    if (unused === undefined) return false;
    this.#open.delete(unused);
    unused.abort();
    return true;
  }

  /** Resolves when all connections are closed; resets those that are open after `graceMs`. */
  drain(graceMs: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const abort = () => {
        for (const connection of [...this.#open.keys()]) connection.abort();
      };
      const timer = graceMs === Infinity ? undefined : setTimeout(abort, graceMs);
      this.#onDrained.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
