import { createServer, request } from 'node:http';

import { startForwarder } from '../../../src/proxy/forward/forwarder.js';
import { Cleanup, failing, Forwarding, localDialer, TARGET, until } from '../support/forwarding.js';
import { listen } from '../support/scripted-server.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

describe('listening', () => {
  it('says where, with the port that it got', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    expect(forwarder.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it('brackets IPv6', async () => {
    const forwarder = await forwarding.start(failing('refused'), {
      listen: { host: '::1', port: 0 },
    });
    expect(forwarder.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  it('fails when the port is in use', async () => {
    const server = await forwarding.server(() => undefined);
    const attempt = startForwarder({
      listen: { host: '127.0.0.1', port: server.port },
      target: TARGET,
      headers: [],
      dialer: failing('refused'),
      log: { error: () => 0, warn: () => 0, info: () => 0, debug: () => 0 },
    });
    await expect(attempt).rejects.toMatchObject({
      name: 'UserError',
      kind: 'failed',
      what: `cannot listen on 127.0.0.1:${server.port}`,
    });
  });

  it('drops a connection above the bound', async () => {
    const forwarder = await forwarding.start(failing('refused'), { maxConnections: 1 });
    const first = forwarding.client(forwarder);
    first.send(GET);
    await first.until('}}');
    await forwarding.client(forwarder).ended();
    expect(forwarding.lines.filter(({ message }) => message.includes('too many'))).toHaveLength(1);
    first.send(GET);
    await first.until(/\}\}[^]*\}\}/);
  });
});

describe('CONNECT', () => {
  it('is refused with 405', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 405 [^]*"reason":"method-not-allowed"/);
    expect(forwarder.counters.failures).toBe(1);
  });

  it('in the midst of an answer resets the connection', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(GET);
    await client.until('part');
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.ended()).toBe('ECONNRESET');
    expect(client.received).toMatch(/part$/);
    await server.wires[0]!.ended();
  });
});

describe('close', () => {
  async function withRunning() {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(GET);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    return { server, forwarder, client };
  }

  it('lets a running exchange come to its end, and no connection live on', async () => {
    const { server, forwarder, client } = await withRunning();
    const silent = forwarding.client(forwarder);
    const idle = forwarding.client(forwarder);
    idle.send('OPTIONS / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n');
    await idle.until('}}');
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/Connection: close\r\n\r\nok$/);
    await idle.ended();
    await silent.ended();
    await closed;
  });

  it('ends a connection whose answer began before', async () => {
    const { server, forwarder, client } = await withRunning();
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await client.until('ab');
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('cd');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/\r\n\r\nabcd$/);
    await closed;
  });

  it('takes no more connections', async () => {
    const { forwarder } = await withRunning();
    void forwarder.close({ graceMs: 600_000 });
    expect(await forwarding.client(forwarder).ended()).toBe('ECONNREFUSED');
  });

  it('starts no waiting request', async () => {
    const { server, forwarder, client } = await withRunning();
    client.send(GET);
    await until(() => forwarder.counters.requests === 2);
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await closed;
    await client.ended();
    expect(server.wires).toHaveLength(1);
    expect(client.received).toMatch(/\r\n\r\nok$/);
  });

  it('fails what runs when the grace is over: 502', async () => {
    const { server, forwarder, client } = await withRunning();
    await forwarder.close({ graceMs: 20 });
    await client.ended();
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"closed"/);
    await server.wires[0]!.ended();
  });

  it('resets what is in its answer when the grace is over', async () => {
    const { server, forwarder, client } = await withRunning();
    server.wires[0]!.send('HTTP/1.1 200 OK\r\n\r\npart');
    await client.until('part');
    await forwarder.close({ graceMs: 0 });
    expect(await client.ended()).toBe('ECONNRESET');
  });

  it('does not wait for the rest of a request when the grace is over', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send(`${GET}GET / HT`);
    await client.until('}}');
    await forwarder.close({ graceMs: 20 });
    await client.ended();
  });

  it('may be hurried', async () => {
    const { forwarder } = await withRunning();
    const closed = forwarder.close({ graceMs: 600_000 });
    await forwarder.close({ graceMs: 0 });
    await closed;
  });
});

it('carries fifty requests side by side, each with its own answer', async () => {
  const target = createServer((incoming, answer) => {
    incoming.pipe(answer.writeHead(201, { 'X-Path': incoming.url ?? '' }));
  });
  const port = await listen(target);
  cleanup.add(() => new Promise((resolve) => target.close(() => resolve())));
  const forwarder = await forwarding.start(localDialer(port));
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => post(`${forwarder.url}/${index}`, `body ${index}`)),
  );
  expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => `201 /${index} body ${index}`));
  expect(forwarder.counters).toMatchObject({ requests: 50, failures: 0 });
});

function post(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent: false }, (answer) => {
      let received = `${answer.statusCode ?? 0} ${String(answer.headers['x-path'])} `;
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => (received += text));
      answer.on('end', () => resolve(received));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
