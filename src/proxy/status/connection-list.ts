/** The open TCP connections of the listeners, for people who want to know what uses the tunnel. */
import type { Duplex } from 'node:stream';

import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { Dialer, DialTarget } from '../dialer.js';

/**
 * What opened a connection:
 *
 * - `forwarder`: the forwarder for HTTP messages
 * - `proxy`: the SOCKS and HTTP proxy
 * - `dns`: the DNS listener
 * - `local-forward`, `remote-forward`: a port forward (-L, -R)
 * - `command`: another command of arctun, such as `exec` or `send`
 */
export const OPENERS = [
  'forwarder',
  'proxy',
  'dns',
  'local-forward',
  'remote-forward',
  'command',
] as const;

export type Opener = (typeof OPENERS)[number];

/** An open connection as plain data. */
export interface ConnectionStatus {
  readonly opener: Opener;
  /** The host and port as the client named them; for a remote forward, those of the client. */
  readonly target: string;
  /** How long the connection has been open, in milliseconds. */
  readonly age: number;
  /** Bytes that were written to and read from the tunnel, without headers. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The maximum number of connections in a list, so that a status remains small. */
export const MAX_LISTED = 100;

interface Entry {
  readonly opener: Opener;
  readonly target: string;
  readonly openedAt: number;
  readonly stream: CountingStream;
}

/** Streams of node:net and of the tunnel count bytes; others are shown with 0. */
type CountingStream = Duplex & { readonly bytesRead?: number; readonly bytesWritten?: number };

export class ConnectionList {
  readonly #now: () => number;
  /** In the order in which the connections were opened. */
  readonly #open = new Map<Duplex, Entry>();

  /** @param now returns monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns a dialer whose connections are listed. */
  watching(opener: Opener, dialer: Dialer): Dialer {
    return {
      dial: async (target, signal) => {
        const stream = await dialer.dial(target, signal);
        this.add(opener, target, stream);
        return stream;
      },
    };
  }

  /** Lists a connection until its stream is closed. */
  add(opener: Opener, target: DialTarget, stream: Duplex): void {
    if (stream.destroyed) return;
    const entry = { opener, target: formatAuthority(target), openedAt: this.#now(), stream };
    this.#open.set(stream, entry);
    stream.once('close', () => this.#open.delete(stream));
  }

  /** Returns the MAX_LISTED latest connections, the latest first. */
  list(): readonly ConnectionStatus[] {
    const now = this.#now();
    return [...this.#open.values()]
      .slice(-MAX_LISTED)
      .reverse()
      .map(({ opener, target, openedAt, stream }) => ({
        opener,
        target,
        age: now - openedAt,
        sentBytes: stream.bytesWritten ?? 0,
        receivedBytes: stream.bytesRead ?? 0,
      }));
  }
}
