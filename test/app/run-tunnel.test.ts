/** `up` as a whole but for the command line: the forwarder is real, the network is imaginary. */
import { runTunnel } from '../../src/app/run-tunnel.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { CLIENT, CLIENT_KEY, SERVICE, TunnelInMemory } from '../support/tunnel-in-memory.js';

let world: TunnelInMemory;
let stop: AbortController;
let running: Promise<unknown>;
const ups: { endpoint: string; forward: string }[] = [];

beforeEach(async () => {
  world = new TunnelInMemory(createNodeCrypto());
  await world.openNetwork();
  stop = new AbortController();
  ups.length = 0;
});
afterEach(async () => {
  stop.abort(new Error('stop'));
  await turnUntil(() => world.link.openSockets === 1);
  await world.network.close();
});

/** Runs, and waits until the forwarder listens; its URL. */
async function start(host: string, wait: number): Promise<string> {
  const config = parseArcConfig(
    JSON.stringify({
      privateKey: Buffer.from(CLIENT_KEY).toString('base64'),
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(world.server.publicKey).toString('base64'),
        arcServerEndpoint: `${host}:${world.server.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: CLIENT,
      },
    }),
    { path: 'arc.json' },
  );
  running = runTunnel(
    {
      arcConfig: { config, original: config, source: 'arc.json', path: 'arc.json' },
      mode: 'auto',
      wait,
      signal: stop.signal,
      forward: {
        listen: { host: '127.0.0.1', port: 0 },
        target: { host: SERVICE, port: 80 },
        headers: [],
      },
      onUp: (up) => ups.push(up),
    },
    world.ports,
  ).catch((error: unknown) => error);
  const line = () => world.log.lines.find(({ message }) => message === 'forwarder listening');
  await turnUntil(() => line() !== undefined);
  await world.settle();
  return String(line()!.fields.url);
}

/** Lets both event loops go on, the real one and the imaginary one, in which no time passes. */
async function turnUntil(isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    await new Promise((resolve) => setImmediate(resolve));
    await world.settle();
  }
}

/** A request, while `step` ms of virtual time pass with each turn of the event loop. */
async function request(url: string, step = 0): Promise<{ status: number; text: string }> {
  let answer: { status: number; text: string } | undefined;
  const asking = fetch(url, { method: 'POST', body: 'x' }).then(async (response) => {
    answer = { status: response.status, text: await response.text() };
  });
  while (answer === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    await world.settle();
    if (step > 0) await world.advance(step);
  }
  await asking;
  return answer;
}

it('tells where the server is, and forwards', async () => {
  world.names.set('arc.example', { addresses: ['2001:db8::1'], ttl: 60_000 });
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.once('data', () => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    stream.on('error', () => undefined);
  });
  const url = await start('arc.example', 20_000);
  await turnUntil(() => ups.length > 0);
  expect(ups).toEqual([
    { endpoint: `[2001:db8::1]:${world.server.port}`, forward: url, proxy: undefined },
  ]);
  expect(await request(url)).toEqual({ status: 201, text: 'ok' });
});

it('answers 504 at once while the server has no address', async () => {
  const url = await start('nowhere.example', 0);
  const { status, text } = await request(url);
  expect(status).toBe(504);
  expect(JSON.parse(text)).toEqual({
    error: {
      reason: 'no-handshake',
      silence: 'name-not-found',
      message: 'cannot find the Arc server nowhere.example: getaddrinfo ENOTFOUND',
      target: `${SERVICE}:80`,
    },
  });
});

it('answers 504 with the reason after 10 s of silence', async () => {
  world.link.connected = false;
  const url = await start('127.0.0.1', 0);
  const before = world.clock.now();
  const { status, text } = await request(url, 100);
  expect(status).toBe(504);
  const { error } = JSON.parse(text) as { error: Record<string, string> };
  expect(error).toMatchObject({ reason: 'no-handshake', silence: 'no-answer' });
  expect(error.message).toContain('has not answered');
  expect(world.clock.now() - before).toBeGreaterThanOrEqual(10_000);
});

it('ends with the reason when the wait is over', async () => {
  world.link.connected = false;
  await start('127.0.0.1', 3_000);
  await world.advance(3_000);
  await turnUntil(() => world.link.openSockets === 1);
  expect(await running).toMatchObject({ kind: 'tunnel', reason: 'no-answer' });
});

it('gives a request that waits when the wait is over the same reason', async () => {
  world.link.connected = false;
  const url = await start('127.0.0.1', 3_000);
  const { status, text } = await request(url, 100);
  expect(status).toBe(504);
  const { error } = JSON.parse(text) as { error: Record<string, string> };
  expect(error).toMatchObject({ reason: 'no-handshake', silence: 'no-answer' });
  expect(await running).toMatchObject({ kind: 'tunnel', reason: 'no-answer' });
});

it('lets a request that waits for the first handshake finish when it is stopped', async () => {
  world.network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.once('data', () => stream.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'));
    stream.on('error', () => undefined);
  });
  world.link.connected = false;
  const url = await start('127.0.0.1', 0);
  const armed = world.clock.armed;
  const answer = request(url);
  // The dial has timers of its own.
  await turnUntil(() => world.clock.armed > armed);
  stop.abort(new Error('stop'));
  world.link.connected = true;
  await world.advance(6_000);
  expect(await answer).toEqual({ status: 201, text: 'ok' });
  expect(await running).toBeUndefined();
});

it('ends without a failure when it is stopped', async () => {
  await start('nowhere.example', 0);
  stop.abort(new Error('stop'));
  await turnUntil(() => world.log.messages('info').includes('tunnel closed'));
  expect(await running).toBeUndefined();
});
