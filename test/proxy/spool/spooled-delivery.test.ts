/** A forwarder with a spool, as the client, the target and the disk see it. */
import { DialError, type Dialer } from '../../../src/proxy/dialer.js';
import type { ForwarderOptions } from '../../../src/proxy/forward/forwarder.js';
import { KeptConnections } from '../../../src/proxy/http/target/kept-connections.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { Spool, type SpoolLimits } from '../../../src/proxy/spool/spool.js';
import { SpoolKeeper } from '../../../src/proxy/spool/spool-keeper.js';
import { parseMessage } from '../../../src/proxy/spool/spooled-message.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import {
  Cleanup,
  failing,
  Forwarding,
  localDialer,
  OK,
  TARGET,
  until,
} from '../support/forwarding.js';
import { KeepableDialer } from '../support/keepable.js';
import type { Wire } from '../support/wire.js';
import { LosingDisk } from './support/losing-disk.js';

const POST = 'POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc';
const SEEN = 'POST /a HTTP/1.1\r\nHost: 100.127.69.42\r\nContent-Length: 3\r\n\r\nabc';
const DOWN = failing('no-handshake');
const MAX_BODY = 64 * 1024;

const cleanup = new Cleanup();
let forwarding: Forwarding;
let disk: LosingDisk;
let spool: Spool;
let keeper: SpoolKeeper;
let log: RecordingLog;
let stopping: AbortController;
/** How often a message was queued. */
let queued: number;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
  disk = new LosingDisk();
  openSpool({ messages: 10, bytes: 1_000_000 });
});
afterEach(() => cleanup.run());

function openSpool(limits: SpoolLimits): void {
  const wallClock = { unixMilliseconds: () => 1_795_989_600_000 };
  spool = new Spool({ folder: disk, wallClock, entropy: seededEntropy(1) }, limits);
  log = new RecordingLog();
  stopping = new AbortController();
  queued = 0;
  const { signal } = stopping;
  keeper = new SpoolKeeper({ spool, log, signal, onQueued: () => (queued += 1) });
}

const start = (dialer: Dialer, options: Partial<ForwarderOptions> = {}) =>
  forwarding.start(dialer, { keeper, ...options });

const states = async () =>
  (await spool.list()).map(({ state, detail }) => `${state} ${detail}`.trim());

/** The requests in the spool, as text. */
async function requests(): Promise<string[]> {
  const contents = await Promise.all((await spool.list()).map((entry) => spool.read(entry)));
  return contents.map((content) => Buffer.from(parseMessage(content!)!.request).toString('latin1'));
}

/** Sends one request, and returns the whole response. */
async function answer(forwarder: HttpListener, request = POST): Promise<string> {
  const client = forwarding.client(forwarder);
  client.send(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await client.ended();
  return client.received;
}

/** Sends two requests over one connection, which the target resets without reading the second. */
async function resetReused(dialer: KeepableDialer, forwarder: HttpListener): Promise<Wire> {
  const client = forwarding.client(forwarder);
  client.send(POST);
  const target = await dialer.side(0);
  target.respond(OK);
  await client.until('ok');
  target.written = [];
  client.send(POST);
  await target.request();
  target.resetUnread();
  return client;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Stops a step of the disk until go() is called. */
class Step {
  isWaiting = false;
  go: () => void = () => undefined;

  constructor(on: LosingDisk, name: 'create' | 'rename', skip = 0) {
    let left = skip;
    const step = on[name].bind(on) as (...names: unknown[]) => Promise<never>;
    on[name] = async (...parameters: unknown[]) => {
      if (left-- === 0) {
        this.isWaiting = true;
        await new Promise<void>((resolve) => (this.go = resolve));
      }
      return step(...parameters);
    };
  }
}

const bodyOf = (response: string) =>
  JSON.parse(response.slice(response.indexOf('\r\n\r\n'))) as Record<string, object>;

describe('while the line works', () => {
  it('forwards the response, and keeps nothing', async () => {
    const dialer = new KeepableDialer();
    const client = forwarding.client(await start(dialer));
    client.send(POST);
    const target = await dialer.side(0);
    expect(await target.request()).toBe(SEEN.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(await states()).toEqual(['sending']);
    target.respond(OK);
    await client.until('ok');
    await keeper.settled();
    expect(await states()).toEqual([]);
    expect(queued).toBe(0);
  });

  it('saves the request before its first byte is sent', async () => {
    const seen: string[][] = [];
    const dialer = new KeepableDialer();
    const forwarder = await start({
      dial: async () => {
        disk.losePower(0);
        seen.push(await states());
        return dialer.dial();
      },
    });
    forwarding.client(forwarder).send(POST);
    await dialer.side(0);
    expect(seen).toEqual([['sending']]);
  });
});

describe('while the line is down', () => {
  it('answers with 202 and the ID, and queues the request', async () => {
    const forwarder = await start(DOWN);
    const response = await answer(forwarder);
    const [{ id } = { id: '' }] = await spool.list();
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 202 Accepted\r\n[^]*Arctun-Spool-Id: ${id}`));
    expect(bodyOf(response)).toEqual({
      kept: {
        ...{ id, reason: 'no-handshake', message: 'because no-handshake' },
        target: '100.127.69.42:80',
      },
    });
    expect(await states()).toEqual(['queued']);
    expect(await requests()).toEqual([SEEN]);
    expect(queued).toBe(1);
    expect(forwarder.counters).toMatchObject({ requests: 1, failures: 0 });
  });

  it('has saved the request when the client receives the 202', async () => {
    await answer(await start(DOWN));
    disk.losePower(0);
    expect(await states()).toEqual(['queued']);
  });

  it('logs the request with its ID', async () => {
    await answer(await start(DOWN));
    const [{ id } = { id: '' }] = await spool.list();
    expect(forwarding.lines).toEqual([
      {
        level: 'warn',
        message: 'the spool keeps the request: because no-handshake',
        fields: {
          ...{ reason: 'no-handshake', id, status: 202 },
          client: expect.stringMatching(/^127\.0\.0\.1:/) as string,
          ...{ target: `${TARGET.host}:${TARGET.port}`, method: 'POST', path: '/a' },
          ms: expect.any(Number) as number,
        },
      },
    ]);
  });

  it('sends nothing while older messages wait, so that the order is kept', async () => {
    await answer(await start(DOWN));
    const dialer = new KeepableDialer();
    const forwarder = await start(dialer);
    const response = await answer(forwarder, POST.replace('/a', '/b'));
    expect(response).toMatch(/^HTTP\/1\.1 202 /);
    expect(bodyOf(response)).toMatchObject({ kept: { reason: 'waiting' } });
    expect(dialer.sides).toHaveLength(0);
    expect((await requests()).map((request) => request.slice(0, 7))).toEqual([
      'POST /a',
      'POST /b',
    ]);
    expect(queued).toBe(2);
  });

  it.each([
    ['PUT', POST.replace('POST', 'PUT')],
    ['PATCH', POST.replace('POST', 'PATCH')],
    [
      'a chunked body',
      POST.replace('Content-Length: 3', 'Transfer-Encoding: chunked').replace(
        'abc',
        '3\r\nabc\r\n0\r\n\r\n',
      ),
    ],
    ['no body', POST.replace('3', '0').replace('abc', '')],
  ])('keeps %s', async (_, request) => {
    expect(await answer(await start(DOWN), request)).toMatch(/^HTTP\/1\.1 202 /);
    expect(await states()).toEqual(['queued']);
    const [kept] = await requests();
    expect(kept).toBe(request.replace('localhost', TARGET.host));
  });

  it('keeps a body of 64 KiB that arrives in parts', async () => {
    const client = forwarding.client(await start(DOWN));
    client.send(POST.replace('3', `${MAX_BODY}`).replace('abc', ''));
    for (let part = 0; part < 4; part++) {
      client.send('x'.repeat(MAX_BODY / 4));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(/^HTTP\/1\.1 202 [^]*\}\}/);
    expect((await requests())[0]).toMatch(/x{65536}$/);
  });

  it('accepts the body of a client that waits for 100 (Continue)', async () => {
    const client = forwarding.client(await start(DOWN));
    client.send(POST.replace('\r\n\r\nabc', '\r\nExpect: 100-continue\r\n\r\n'));
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    await client.until(/ 202 [^]*\}\}/);
    expect(await requests()).toEqual([SEEN]);
  });
});

describe('what is not kept', () => {
  const notKept = (response: string) => bodyOf(response)['error'];

  it('has the reason in the response', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const response = await answer(await start(DOWN), request);
    expect(response).toMatch(/^HTTP\/1\.1 504 [^]*Retry-After: 5/);
    expect(notKept(response)).toMatchObject({
      reason: 'no-handshake',
      notKept: 'only POST, PUT, PATCH requests are kept',
    });
  });

  it.each([
    ['with a length', `Content-Length: ${MAX_BODY + 1}`, 'x'.repeat(MAX_BODY + 1)],
    [
      'in chunks',
      'Transfer-Encoding: chunked',
      `${(MAX_BODY + 1).toString(16)}\r\n${'x'.repeat(MAX_BODY + 1)}\r\n0\r\n\r\n`,
    ],
  ])('includes a body that is too long, %s', async (_, field, body) => {
    const head = POST.replace('Content-Length: 3', field).replace('abc', '');
    const response = await answer(await start(DOWN), head + body);
    expect(response).toMatch(/^HTTP\/1\.1 504 /);
    expect(notKept(response)).toMatchObject({ notKept: 'the body is longer than 65536 bytes' });
    expect(await states()).toEqual([]);
  });

  it('includes a body that is too long, which is forwarded if the line works', async () => {
    const dialer = new KeepableDialer();
    const client = forwarding.client(await start(dialer));
    const body = 'x'.repeat(MAX_BODY + 1);
    const size = body.length.toString(16);
    client.send(POST.replace('Content-Length: 3', 'Transfer-Encoding: chunked').replace('abc', ''));
    client.send(`${size}\r\n${body}\r\n0\r\n\r\n`);
    const target = await dialer.side(0);
    let received = '';
    while (!received.endsWith('0\r\n\r\n')) received += await target.request();
    target.respond(OK);
    await client.until('ok');
    expect(received.match(/x/g)).toHaveLength(body.length);
  });

  it.each(['no-route', 'no-such-name'] as const)(
    'includes a request that fails with %s, because waiting does not help',
    async (reason) => {
      const response = await answer(await start(failing(reason)));
      expect(response).toMatch(/^HTTP\/1\.1 502 /);
      const why = 'the target cannot be reached through the tunnel, and waiting does not help';
      expect(notKept(response)).toMatchObject({ reason, notKept: why });
      expect(await states()).toEqual([]);
      expect(queued).toBe(0);
    },
  );

  it('includes a request if the spool is full: 507 and the reason', async () => {
    openSpool({ messages: 1, bytes: 1_000 });
    const forwarder = await start(DOWN);
    await answer(forwarder);
    const response = await answer(forwarder);
    expect(response).toMatch(/^HTTP\/1\.1 507 Insufficient Storage/);
    expect(notKept(response)).toMatchObject({
      reason: 'spool-full',
      notKept: expect.stringContaining('the spool contains 1 of at most') as string,
    });
    expect(await states()).toEqual(['queued']);
    expect(forwarder.counters.failures).toBe(1);
  });

  it('includes the requests while the folder cannot be written, which are still sent', async () => {
    disk.create = () => Promise.reject(new Error('no space left'));
    const response = await answer(await start(DOWN));
    expect(response).toMatch(/^HTTP\/1\.1 504 /);
    expect(notKept(response)).toMatchObject({ notKept: 'no space left' });
    const dialer = new KeepableDialer();
    const client = forwarding.client(await start(dialer));
    client.send(POST);
    (await dialer.side(0)).respond(OK);
    await client.until('ok');
  });

  it('includes the requests while the folder cannot be written and older messages wait', async () => {
    await answer(await start(DOWN));
    disk.create = () => Promise.reject(new Error('no space left'));
    const dialer = new KeepableDialer();
    const response = await answer(await start(dialer));
    expect(response).toMatch(/^HTTP\/1\.1 507 /);
    expect(notKept(response)).toMatchObject({ reason: 'spool-failed', notKept: 'no space left' });
    expect(dialer.sides).toHaveLength(0);
  });

  it('includes a body of which the client sends only a part', async () => {
    const forwarder = await start(DOWN, { responseTimeout: 5_000, idleTimeout: 40 });
    const client = forwarding.client(forwarder);
    client.send(POST.replace('abc', 'ab'));
    await client.until(/^HTTP\/1\.1 408 /);
    expect(await states()).toEqual([]);
  });
});

describe('a request that may have arrived', () => {
  it.each<[string, (wire: Wire) => void, string]>([
    ['a reset', (wire) => wire.socket.resetAndDestroy(), 'reset'],
    ['a FIN', (wire) => wire.socket.end(), 'reset'],
    ['bytes that are not HTTP', (wire) => wire.send('SSH-2.0\r\n\r\n'), 'bad-answer'],
  ])('is unknown after %s', async (_, script, reason) => {
    const server = await forwarding.server(async (wire) => {
      await wire.until('abc');
      script(wire);
    });
    const response = await answer(await start(localDialer(server.port)));
    const [{ id } = { id: '' }] = await spool.list();
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 502 [^]*Arctun-Spool-Id: ${id}`));
    expect(bodyOf(response)).toMatchObject({ error: { reason, spoolId: id } });
    expect(await states()).toEqual(['unknown lost']);
    expect(forwarding.lines.at(-1)).toMatchObject({ level: 'warn', fields: { reason, id } });
  });

  it('is unknown after a timeout', async () => {
    const forwarder = await start(new KeepableDialer(), { responseTimeout: 40 });
    const response = await answer(forwarder);
    expect(response).toMatch(/^HTTP\/1\.1 504 /);
    expect(bodyOf(response)).toMatchObject({ error: { reason: 'timeout' } });
    disk.losePower(0);
    expect(await states()).toEqual(['unknown lost']);
  });

  it('has no ID if the spool has no room for it, and the response says so', async () => {
    openSpool({ messages: 2, bytes: 1_000 });
    const forwarder = await start(new KeepableDialer(), { responseTimeout: 40 });
    await answer(forwarder);
    const response = await answer(forwarder);
    expect(response).toMatch(/^HTTP\/1\.1 504 /);
    const why = 'the spool contains 1 of at most 1 messages that were set aside';
    expect(bodyOf(response)['error']).toMatchObject({
      reason: 'timeout',
      notKept: expect.stringContaining(why) as string,
    });
    expect(response).not.toMatch(/spool-?id/i);
    expect(await states()).toEqual(['unknown lost']);
    expect((await answer(await start(DOWN))).slice(9, 12)).toBe('202');
  });

  it('is queued if a reused connection proves that the target has not read it', async () => {
    const dialer = new KeepableDialer();
    let dials = 0;
    const line: Dialer = {
      dial: () => {
        if (dials++ === 0) return dialer.dial();
        throw new DialError('no-handshake', 'the line is down now');
      },
    };
    const kept = new KeptConnections({ resends: true });
    const client = await resetReused(dialer, await start(line, { kept }));
    await client.until(/ 202 [^]*\}\}/);
    expect(await states()).toEqual(['queued']);
  });

  it('is unknown if it must not be sent again', async () => {
    const dialer = new KeepableDialer();
    const kept = new KeptConnections({ resends: false });
    const client = await resetReused(dialer, await start(dialer, { kept }));
    await client.until(/ 502 [^]*\}\}/);
    expect(await states()).toEqual(['unknown lost']);
  });
});

describe('a client that disconnects', () => {
  async function sent(): Promise<{ client: Wire; dialer: KeepableDialer }> {
    const dialer = new KeepableDialer();
    const forwarder = await start(dialer, { responseTimeout: 300 });
    const client = forwarding.client(forwarder);
    client.send(POST);
    await (await dialer.side(0)).request();
    client.socket.destroy();
    await until(() => forwarder.counters.active === 0);
    return { client, dialer };
  }

  it('does not end the delivery of its request', async () => {
    const { dialer } = await sent();
    expect(await states()).toEqual(['sending']);
    dialer.sides[0]!.respond(OK);
    await keeper.settled();
    expect(await states()).toEqual([]);
    expect(dialer.sides[0]!.destroyed).toBe(true);
  });

  it('leaves an unknown request if the target does not respond in time', async () => {
    await sent();
    await keeper.settled();
    expect(await states()).toEqual(['unknown lost']);
  });

  it('leaves a queued request if the line is down', async () => {
    let fail: () => void = () => undefined;
    const forwarder = await start({
      dial: () =>
        new Promise((_, reject) => {
          fail = () => reject(new DialError('no-handshake', 'down'));
        }),
    });
    const client = forwarding.client(forwarder);
    client.send(POST);
    await until(async () => (await states())[0] === 'sending');
    await until(() => forwarder.counters.active === 1);
    client.socket.destroy();
    await until(() => forwarder.counters.active === 0);
    fail();
    await keeper.settled();
    expect(await states()).toEqual(['queued']);
    expect(queued).toBe(1);
  });

  it('leaves nothing if its request is incomplete', async () => {
    const forwarder = await start(DOWN);
    const client = forwarding.client(forwarder);
    client.send(POST.replace('abc', 'a'));
    await until(() => forwarder.counters.requests === 1);
    client.socket.destroy();
    await until(() => forwarder.counters.active === 0);
    await keeper.settled();
    expect(await states()).toEqual([]);
  });
});

it('refuses a request while 1,024 others are being sent, and neither saves nor sends it', async () => {
  const message = { target: TARGET, request: Buffer.from('x') };
  spool.accept = (content) =>
    Promise.resolve({ id: '1', bytes: content.length, target: '', state: 'sending', detail: '' });
  const taken = await Promise.all(Array.from({ length: 1_024 }, () => keeper.take(message)));
  const dialer = new KeepableDialer();
  const forwarder = await start(dialer);
  const response = await answer(forwarder);
  expect(response).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n/);
  expect(bodyOf(response)).toMatchObject({ error: { reason: 'too-many-requests' } });
  expect(dialer.sides).toHaveLength(0);
  const [first] = taken;
  if (first?.kind !== 'passing') throw new Error('the request was not taken');
  await first.request.futile();
  expect(await keeper.take(message)).toMatchObject({ kind: 'passing' });
});

describe('when arctun stops', () => {
  it('a request that may have arrived is unknown, and the client gets its ID', async () => {
    const dialer = new KeepableDialer();
    const client = forwarding.client(await start(dialer));
    client.send(POST);
    await (await dialer.side(0)).request();
    stopping.abort();
    await client.until(/^HTTP\/1\.1 502 [^]*\}\}/);
    expect(client.received).toMatch(/Arctun-Spool-Id: [^]*"reason":"closed"/);
    expect(await states()).toEqual(['unknown lost']);
  });

  it('a request that waits for its dial is queued', async () => {
    const client = forwarding.client(await start({ dial: () => new Promise(() => undefined) }));
    client.send(POST);
    await until(async () => (await states())[0] === 'sending');
    stopping.abort();
    await client.until(/^HTTP\/1\.1 202 [^]*\}\}/);
    expect(await states()).toEqual(['queued']);
  });

  it('a request whose state is being saved is answered afterwards, in spite of its time limit', async () => {
    const step = new Step(disk, 'rename', 1);
    const client = forwarding.client(await start(DOWN, { responseTimeout: 20 }));
    client.send(POST);
    await until(() => step.isWaiting);
    await pause(60);
    expect(client.received).toBe('');
    step.go();
    await client.until(/^HTTP\/1\.1 202 [^]*\}\}/);
    expect(await states()).toEqual(['queued']);
  });

  it('a client gets no response that would be wrong as soon as its request is saved', async () => {
    const step = new Step(disk, 'create');
    const forwarder = await start(new KeepableDialer(), { responseTimeout: 20 });
    const client = forwarding.client(forwarder);
    client.send(POST);
    await until(() => step.isWaiting);
    // After its time limit, the end of the listener's grace period is a second failure.
    await pause(60);
    await forwarder.close({ graceMs: 0 });
    await client.ended();
    expect(client.received).toBe('');
    step.go();
    await keeper.settled();
    expect(await states()).toEqual(['queued']);
  });

  it('a new request is queued', async () => {
    stopping.abort();
    const dialer = new KeepableDialer();
    expect(await answer(await start(dialer))).toMatch(/^HTTP\/1\.1 202 /);
    expect(dialer.sides).toHaveLength(0);
  });
});
