/** A forwarder in front of a local server, and everything that must be closed after a test. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

import { type Dialer, DialError, type DialFailure } from '../../../src/proxy/dialer.js';
import { type ForwarderOptions, startForwarder } from '../../../src/proxy/forward/forwarder.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { type ScriptedServer, scriptedServer } from './scripted-server.js';
import { rawClient, type Wire } from './wire.js';

export { until } from '../../support/until.js';

/** The target address that the forwarder is configured with. */
export const TARGET = { host: '100.127.69.42', port: 80 };

/** An answer with a body, which is `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Closes everything that a test has left open; call it after each test. */
export class Cleanup {
  #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const steps = this.#steps.reverse();
    this.#steps = [];
    for (const step of steps) await step();
  }
}

/** Dials a local port, whatever the target. */
export function localDialer(port: number): Dialer & { readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  return {
    signals,
    dial: (_target, signal) =>
      new Promise<Duplex>((resolve, reject) => {
        if (signal) signals.push(signal);
        const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
        socket.once('connect', () => resolve(socket));
        socket.once('error', reject);
      }),
  };
}

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export class Forwarding {
  readonly lines: LogLine[] = [];
  readonly #cleanup: Cleanup;

  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup;
  }

  async start(dialer: Dialer, options: Partial<ForwarderOptions> = {}): Promise<HttpListener> {
    const line = (level: string) => (fields: object, message: string) =>
      void this.lines.push({ level, fields, message });
    const forwarder = await startForwarder({
      listen: { host: '127.0.0.1', port: 0 },
      target: TARGET,
      headers: [],
      dialer,
      log: { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') },
      ...options,
    });
    this.#cleanup.add(() => forwarder.close({ graceMs: 0 }));
    return forwarder;
  }

  client(forwarder: HttpListener): Wire {
    const client = rawClient(forwarder.url);
    this.#cleanup.add(() => void client.socket.destroy());
    return client;
  }

  async server(script: Parameters<typeof scriptedServer>[0]): Promise<ScriptedServer> {
    const server = await scriptedServer(script);
    this.#cleanup.add(() => server.close());
    return server;
  }

  /** A forwarder whose target sends `answer` to each request, and then ends the connection. */
  async answering(answer: string, options: Partial<ForwarderOptions> = {}) {
    const server = await this.server(async (wire) => {
      await wire.request();
      wire.send(answer);
      wire.socket.end();
    });
    const forwarder = await this.start(localDialer(server.port), options);
    return { server, forwarder, client: this.client(forwarder) };
  }

  /** The bytes that the target gets for a request. */
  async seenByTarget(request: string, added: [string, string][] = []): Promise<string> {
    const { client, server } = await this.answering(OK, { headers: added });
    client.send(request);
    await client.until('ok');
    return server.wires[0]!.received;
  }

  /** The bytes that the client gets for an answer. */
  async seenByClient(answer: string, request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n') {
    const { client } = await this.answering(answer);
    client.send(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    return { ending: await client.ended(), received: client.received };
  }
}

export function failing(reason: DialFailure): Dialer {
  return { dial: () => Promise.reject(new DialError(reason, `because ${reason}`)) };
}
