import { jest } from '@jest/globals';

import type { Dialer } from '../../../src/proxy/dialer.js';
import {
  Cleanup,
  failing,
  Forwarding,
  localDialer,
  OK,
  TARGET,
  until,
} from '../support/forwarding.js';
import type { Wire } from '../support/wire.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

describe('the log', () => {
  it('has one line for a request, without its query and its header fields', async () => {
    const answer = 'HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello';
    const { client } = await forwarding.answering(answer);
    client.send(
      'POST /a?token=hush HTTP/1.1\r\nHost: localhost\r\nCookie: hush\r\nContent-Length: 0\r\n\r\n',
    );
    await client.until('hello');
    const lines = () => forwarding.lines.filter(({ level }) => level === 'info');
    await until(() => lines().length > 0);
    expect(lines()).toEqual([
      {
        level: 'info',
        message: 'request',
        fields: {
          client: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as string,
          target: `${TARGET.host}:${TARGET.port}`,
          method: 'POST',
          path: '/a',
          status: 201,
          bytes: 5,
          ms: expect.any(Number) as number,
        },
      },
    ]);
    expect(JSON.stringify(forwarding.lines)).not.toContain('hush');
  });

  it('reports the client and the target of a failure once', async () => {
    const client = forwarding.client(await forwarding.start(failing('no-route')));
    client.send('GET /b?hush HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until('}}');
    expect(forwarding.lines).toEqual([
      {
        level: 'warn',
        message: expect.stringMatching(/^the request was not forwarded: /) as string,
        fields: {
          reason: 'no-route',
          status: 502,
          client: expect.stringMatching(/^127\.0\.0\.1:/) as string,
          target: `${TARGET.host}:${TARGET.port}`,
          method: 'GET',
          path: '/b',
        },
      },
    ]);
  });
});

describe('another protocol', () => {
  const ASKING =
    'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const SWITCHING =
    'HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

  it('flows both ways after the target has switched, and half-closes', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(ASKING);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    const target = server.wires[0]!;
    expect(target.received).toMatch(/\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n$/);
    target.send(`${SWITCHING}early`);
    expect(await client.until('early')).toBe(`${SWITCHING}early`);
    client.send('ping');
    await target.until('ping');
    client.socket.end();
    expect(await target.ended()).toBe('fin');
    target.send('last');
    await client.until('last');
    target.socket.end();
    expect(await client.ended()).toBe('fin');
    await until(() => forwarder.counters.active === 0);
    expect(forwarding.lines.filter(({ level }) => level === 'info')).toEqual([
      {
        level: 'info',
        message: 'connection closed',
        fields: {
          client: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as string,
          target: `${TARGET.host}:${TARGET.port}`,
          method: 'GET',
          path: '/ws',
          status: 101,
          sent: 'ping'.length,
          received: 'earlylast'.length,
          ms: expect.any(Number) as number,
        },
      },
    ]);
  });

  it('survives a client that resets the connection before or during the answer', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    for (let count = 0; count < 20; count++) {
      const client = forwarding.client(forwarder);
      client.send(ASKING);
      await until(() => server.wires[count]?.received.includes('\r\n\r\n') === true);
      // Both arrive in the same turn, so that the answer is written to a reset connection.
      client.socket.resetAndDestroy();
      server.wires[count]!.send(OK);
      server.wires[count]!.socket.end();
      await until(() => forwarder.counters.active === 0);
    }
  });

  it('is not used if the target answers otherwise', async () => {
    const { client } = await forwarding.answering('HTTP/1.1 426 No\r\nContent-Length: 2\r\n\r\nno');
    client.send(ASKING);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 426 No\r\n[^]*Connection: close\r\n\r\nno$/);
  });

  it('ends with a reset when the listener closes', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send(SWITCHING);
    });
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(ASKING);
    await client.until('\r\n\r\n');
    await forwarder.close({ graceMs: 10 });
    expect(await client.ended()).toBe('ECONNRESET');
  });
});

describe('the timeout', () => {
  it('expires with 504 for a silent target', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port), { responseTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 504 [^]*"reason":"timeout"/);
    await server.wires[0]!.ended();
  });

  it('expires with 504 for a dialer that never settles', async () => {
    let signal: AbortSignal | undefined;
    const dialer: Dialer = {
      dial: (_target, given) => {
        signal = given;
        return new Promise(() => undefined);
      },
    };
    const client = forwarding.client(await forwarding.start(dialer, { responseTimeout: 30 }));
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 504 [^]*"reason":"timeout"/);
    expect(signal?.aborted).toBe(true);
  });

  it('expires with 408 for a client that stops in its body, and the connection ends', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port), { idleTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc');
    await client.until('}}\n');
    expect(client.received).toMatch(/^HTTP\/1\.1 408 [^]*"reason":"request-timeout"/);
    expect(await client.ended()).toBe('fin');
    await server.wires[0]!.ended();
  });

  it('expires for an answer that stops: the connection is reset', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    });
    const forwarder = await forwarding.start(localDialer(server.port), { idleTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.ended()).toBe('ECONNRESET');
    await server.wires[0]!.ended();
  });
});

describe('the default limits', () => {
  // The exchange's own timers stand still; sockets are not affected.
  beforeEach(() =>
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }),
  );
  afterEach(() => jest.useRealTimers());

  async function isUnanswered(client: Wire): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.ending).toBeUndefined();
    expect(client.received).not.toContain('HTTP/1.1 5');
    expect(client.received).not.toContain('HTTP/1.1 4');
  }

  it('are 60 s for an answer, and 120 s between parts of the request', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc');
    // Node handles a request whose body takes longer than this.
    await until(() => jest.getTimerCount() > 0);
    jest.advanceTimersByTime(5);
    await until(() => server.wires[0]?.received.endsWith('abc') === true);
    jest.advanceTimersByTime(119_999);
    await isUnanswered(client);
    client.send('def');
    await until(() => server.wires[0]?.received.endsWith('abcdef') === true);
    jest.advanceTimersByTime(59_999);
    await isUnanswered(client);
    jest.advanceTimersByTime(1);
    expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 504 /);
  });
});

describe('a client that disconnects', () => {
  it.each(['fin', 'reset'])('through %s ends the exchange with the target', async (way) => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    if (way === 'fin') client.socket.end();
    else client.socket.resetAndDestroy();
    await server.wires[0]!.ended();
    await until(() => forwarder.counters.active === 0);
    expect(forwarder.counters).toEqual({ requests: 1, failures: 0, active: 0 });
  });

  it('in its body does not make the request look complete', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(
      'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    );
    await until(() => server.wires[0]?.received.includes('abc') === true);
    client.socket.destroy();
    await server.wires[0]!.ended();
    expect(server.wires[0]!.received).not.toMatch(/0\r\n\r\n$/);
    expect(forwarder.counters).toEqual({ requests: 1, failures: 0, active: 0 });
  });

  it('during the dial aborts it, and a stream that arrives too late is destroyed', async () => {
    const server = await forwarding.server(() => undefined);
    const local = localDialer(server.port);
    let settle = (): void => undefined;
    let signal: AbortSignal | undefined;
    const dialer: Dialer = {
      async dial(target, given) {
        signal = given;
        await new Promise<void>((resolve) => (settle = resolve));
        return local.dial(target);
      },
    };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => signal !== undefined);
    client.socket.destroy();
    await until(() => signal?.aborted === true);
    settle();
    await until(() => server.wires[0]?.ending !== undefined);
    expect(server.wires[0]!.received).toBe('');
  });
});
