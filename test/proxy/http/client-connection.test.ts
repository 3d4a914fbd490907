import { MAX_PIPELINED } from '../../../src/proxy/http/limits.js';
import { Cleanup, Forwarding, localDialer, until } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** A target that answers each request with its path, when the test says so. */
async function echoing() {
  const answers: (() => void)[] = [];
  const server = await forwarding.server(async (wire) => {
    const path = (await wire.request()).split(' ')[1] ?? '';
    answers.push(() =>
      wire.send(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`),
    );
  });
  const forwarder = await forwarding.start(localDialer(server.port));
  return { answers, server, forwarder, client: forwarding.client(forwarder) };
}

it('does not forward a pipelined request before the previous one is answered', async () => {
  const { answers, client, server } = await echoing();
  client.send(get('/1') + get('/2') + get('/3'));
  for (const index of [0, 1, 2]) {
    await until(() => answers.length > index);
    // A turn of the event loop in which a second connection would show up.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(server.wires).toHaveLength(index + 1);
    answers[index]!();
  }
  const received = await client.until('\r\n\r\n/3');
  expect(received.match(/\r\n\r\n\/\d/g)).toEqual(['\r\n\r\n/1', '\r\n\r\n/2', '\r\n\r\n/3']);
});

it('answers 503 to requests above the limit, in order', async () => {
  const { answers, client } = await echoing();
  client.send(get('/x').repeat(MAX_PIPELINED + 3));
  for (let index = 0; index <= MAX_PIPELINED; index++) {
    await until(() => answers.length > index);
    answers[index]!();
  }
  await client.until(/too-many-requests[^]*too-many-requests/);
  const statuses = client.received.match(/HTTP\/1\.1 \d+/g)!;
  expect(statuses).toEqual([
    ...new Array<string>(MAX_PIPELINED + 1).fill('HTTP/1.1 200'),
    'HTTP/1.1 503',
    'HTTP/1.1 503',
  ]);
});

it('does not start the queued requests of a client that has disconnected', async () => {
  const { answers, client, server, forwarder } = await echoing();
  client.send(get('/1') + get('/2'));
  await until(() => answers.length === 1);
  client.socket.destroy();
  await until(() => forwarder.counters.active === 0);
  await server.wires[0]!.ended();
  expect(server.wires).toHaveLength(1);
});

it('does not start a queued request after an answer broke off', async () => {
  const server = await forwarding.server(async (wire) => {
    await wire.request();
    wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
  });
  const local = localDialer(server.port);
  const client = forwarding.client(await forwarding.start(local));
  client.send(get('/1') + get('/2'));
  await client.until('part');
  server.wires[0]!.socket.resetAndDestroy();
  await client.ended();
  expect(local.signals).toHaveLength(1);
});

it('does not start a queued request after the last answer', async () => {
  const server = await forwarding.server(async (wire) => {
    await wire.request();
    wire.send('HTTP/1.1 200 OK\r\n\r\nall');
    wire.socket.end();
  });
  const local = localDialer(server.port);
  const client = forwarding.client(await forwarding.start(local));
  // Without a length, an HTTP/1.0 client learns the end of the answer only from the end of the
  // connection.
  client.send('GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'.repeat(2));
  expect(await client.ended()).toBe('fin');
  expect(client.received).toMatch(/all$/);
  expect(local.signals).toHaveLength(1);
});

describe('an upgrade request after a pending one', () => {
  const asking = (protocol: string) =>
    `GET /2 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

  it.each(['websocket', 'h2c'])(
    'resets the connection, which Node has detached: %s',
    async (name) => {
      const { client, server, forwarder } = await echoing();
      client.send(get('/1') + asking(name));
      expect(await client.ended()).toBe('ECONNRESET');
      await until(() => forwarder.counters.active === 0);
      for (const wire of server.wires) await wire.ended();
      expect(forwarder.counters.requests).toBe(1);
    },
  );

  it('is accepted if the answer is complete', async () => {
    const { answers, client } = await echoing();
    client.send(get('/1'));
    for (const path of ['/1', '/2', '/3']) {
      await until(() => answers.length === Number(path.slice(1)));
      answers.at(-1)!();
      await client.until(`\r\n\r\n${path}`);
      if (path !== '/3') client.send(asking('h2c').replace('/2', path === '/1' ? '/2' : '/3'));
    }
    expect(client.ending).toBeUndefined();
  });
});

describe('bytes that are not a request', () => {
  it.each([
    ['nonsense\r\n\r\n', 400, 'bad-request'],
    ['GET / HTTP/1.1\r\n\r\n', 400, undefined],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nA: ${'x'.repeat(40_000)}`, 431, 'header-too-large'],
  ])('get an answer, and the connection ends: %#', async (bytes, status, reason) => {
    const { client, server } = await echoing();
    client.send(bytes);
    await client.ended();
    expect(client.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    if (reason !== undefined) expect(client.received).toContain(`"reason":"${reason}"`);
    expect(server.wires).toHaveLength(0);
  });

  it('in a body are answered with 400, and end the exchange with the target', async () => {
    const { client, server } = await echoing();
    client.send(
      'POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    );
    await until(() => server.wires[0]?.received.includes('abc') === true);
    client.send('nonsense\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 400 [^]*"reason":"bad-request"/);
    await server.wires[0]!.ended();
    expect(server.wires[0]!.received).not.toMatch(/0\r\n\r\n$/);
  });

  it('after a request reset an answer in progress', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.0\r\n\r\n');
    await client.until('part');
    client.send('nonsense\r\n\r\n');
    expect(await client.ended()).toBe('ECONNRESET');
  });
});
