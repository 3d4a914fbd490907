/** Both sides of a shared tunnel over real local sockets, with TCP on loopback as the tunnel. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';

import { ControlSession } from '../../../src/app/status/control-session.js';
import { describeFailure, failureFrom } from '../../../src/app/access/portable-failure.js';
import type { LocalListener } from '../../../src/ports/local-sockets.js';
import type { DatagramChannel } from '../../../src/proxy/datagram-dialer.js';
import { type Dialer, DialError } from '../../../src/proxy/dialer.js';
import type { EchoChannel, EchoDialer, EchoEvent } from '../../../src/proxy/echo-dialer.js';
import { SharedDatagramDialer } from '../../../src/proxy/shared/shared-datagrams.js';
import { SharedEchoDialer } from '../../../src/proxy/shared/shared-echo.js';
import { SharedDialer } from '../../../src/proxy/shared/shared-dialer.js';
import { SharedTunnel } from '../../../src/proxy/shared/shared-tunnel.js';
import { localListeners } from '../../../src/system/network/local-listener.js';
import { openLocalStream } from '../../../src/system/network/local-stream.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { until } from '../../support/until.js';

const TARGET = { host: '100.127.69.42', port: 80 };

let folder: string;
let path: string;
let target: Server;
let accepted: Socket[];
let listener: LocalListener;
let shared: SharedTunnel;
let log: RecordingLog;
/** Replaces the dialer's result if set. */
let dial: Dialer['dial'] | undefined;
let channel: FakeChannel;
let echo: FakeEcho;
/** The targets of `echo` requests, with the family. */
let echoes: (readonly [string, 4 | 6 | undefined])[];
/** Whether the server runs an older version, which does not know the requests. */
let requests: SharedTunnel['requests'] | undefined;

class FakeChannel implements DatagramChannel {
  readonly maxPayload = 1392;
  readonly sent: string[] = [];
  isClosed = false;
  error: Error | undefined;
  #receive: ((payload: Uint8Array | undefined) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  send(payload: Uint8Array): void {
    if (this.error !== undefined) throw this.error;
    this.sent.push(Buffer.from(payload).toString());
  }
  receive(_timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#receive = resolve;
      this.#fail = reject;
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
  close(): void {
    this.isClosed = true;
  }
  arrive(text: string): void {
    this.#receive?.(Buffer.from(text));
  }
  fail(error: Error): void {
    this.#fail?.(error);
  }
}

/** An echo channel on a clock that differs from the client's. */
class FakeEcho implements EchoChannel {
  readonly address = '100.127.69.42';
  readonly maxPayload = 1392;
  readonly sent: (readonly [number, string])[] = [];
  isClosed = false;
  now = 5_000_000;
  readonly #events: EchoEvent[] = [];
  #wake: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  send(sequence: number, payload: Uint8Array): number {
    this.sent.push([sequence, Buffer.from(payload).toString()]);
    return this.now;
  }
  async receive(_timeout: number, signal?: AbortSignal): Promise<EchoEvent | undefined> {
    while (this.#events.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        this.#fail = reject;
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    }
    return this.#events.shift();
  }
  close(): void {
    this.isClosed = true;
  }
  arrive(event: EchoEvent): void {
    this.#events.push(event);
    this.#wake();
  }
  fail(error: Error): void {
    this.#fail(error);
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-shared-'));
  path = join(folder, 'soratun0.sock');
  accepted = [];
  target = createServer({ allowHalfOpen: true }, (socket) =>
    accepted.push(socket.on('error', () => undefined)),
  );
  await once(target.listen(0, '127.0.0.1'), 'listening');
  log = new RecordingLog();
  dial = undefined;
  channel = new FakeChannel();
  echo = new FakeEcho();
  echoes = [];
  shared = tunnel();
  requests = shared.requests;
  listener = await localListeners.listen(path, () => new ControlSession({}, requests), {
    maxConversations: 1_024,
  });
});

afterEach(async () => {
  await shared.close({ graceMs: 0 });
  for (const socket of accepted) socket.destroy();
  target.close();
  await listener.close();
  rmSync(folder, { recursive: true });
});

function tunnel(maxShared = 1_024): SharedTunnel {
  const toTarget: Dialer = {
    dial: async (to, signal) => {
      if (dial !== undefined) return dial(to, signal);
      const { port } = target.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    },
  };
  const datagramDialer = { open: () => Promise.resolve(channel) };
  const echoDialer: EchoDialer = {
    open: (host, { family } = {}) => {
      echoes.push([host, family]);
      if (host === 'nowhere.test') {
        return Promise.reject(new DialError('no-such-name', 'cannot find nowhere.test'));
      }
      return Promise.resolve(echo);
    },
  };
  return new SharedTunnel({
    dialer: toTarget,
    datagramDialer,
    echoDialer,
    log,
    describe: describeFailure,
    maxShared,
  });
}

const options = () => ({
  connect: () => openLocalStream(path),
  refusal: (reply: Readonly<Record<string, unknown>>) => failureFrom(reply, 'arctun up (pid 1)'),
  lost: () => new Error('lost'),
});

const dialer = (confirms = false) => new SharedDialer(options(), confirms);

async function joined(): Promise<[Duplex, Socket]> {
  const before = accepted.length;
  const stream = await dialer().dial(TARGET);
  await until(() => accepted.length > before);
  return [stream, accepted.at(-1)!];
}

async function all(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

it('carries bytes and the end of each direction', async () => {
  const [stream, peer] = await joined();
  stream.end('question');
  expect(await all(peer)).toBe('question');
  peer.end('answer');
  expect(await all(stream)).toBe('answer');
  await until(() => shared.active === 0);
});

it('carries 5 MB byte for byte in both directions at once', async () => {
  const [stream, peer] = await joined();
  const bytes = Buffer.alloc(5_000_000, 'the content of a large transfer. ');
  peer.end(bytes);
  stream.end(bytes);
  const [there, back] = await Promise.all([all(peer), all(stream)]);
  expect(there.length + back.length).toBe(2 * bytes.length);
  expect(there === bytes.toString() && back === there).toBe(true);
});

it('stops reading the target while the client does not read', async () => {
  const size = 64 * 1024 * 1024;
  let given = 0;
  const source = new Duplex({
    read() {
      if (given < size) this.push(Buffer.alloc(64 * 1024));
      given += 64 * 1024;
    },
    write: (_chunk, _encoding, done) => done(),
  });
  dial = () => Promise.resolve(source);
  const stream = await dialer().dial(TARGET);
  // If this stops too early, the figure can only be smaller.
  for (let last = -1; last !== given;) {
    last = given;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(given).toBeLessThan(size / 2);
  stream.destroy();
  await once(source, 'error');
});

it('reports a reset by the target with its code and message', async () => {
  const [stream, peer] = await joined();
  stream.on('data', () => undefined);
  peer.resetAndDestroy();
  const [error] = (await once(stream, 'error')) as [Error];
  expect(error).toMatchObject({ code: 'ECONNRESET', message: expect.any(String) as string });
});

it('resets the target after the client is killed, although a socket has only a clean end', async () => {
  const socket = await openLocalStream(path);
  socket.write('{"request":"dial","host":"100.127.69.42","port":80}\n');
  await once(socket, 'data');
  await until(() => accepted.length > 0);
  socket.destroy();
  const [error] = (await once(accepted[0]!.resume(), 'error')) as [Error];
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});

it('fails the client when the owner stops in the middle, also without unread bytes', async () => {
  const [stream, peer] = await joined();
  stream.on('data', () => undefined);
  peer.write('half of the answer');
  await once(stream, 'data');
  await shared.close({ graceMs: 0 });
  await expect(once(stream, 'error')).resolves.toMatchObject([{ message: 'lost' }]);
});

it('lets open connections finish before it closes', async () => {
  const [stream, peer] = await joined();
  const closing = shared.close({ graceMs: 60_000 });
  const late = dialer().dial(TARGET);
  await expect(late).rejects.toMatchObject({ reason: 'closed' });
  stream.end();
  peer.end('answer');
  expect(await all(stream)).toBe('answer');
  await closing;
});

it('repeats the reason, the silence and the advice of a failed dial', async () => {
  const { TunnelError } = await import('../../../src/tunnel/tunnel-error.js');
  const cause = new TunnelError('clock-behind', { what: 'w', why: 'y', next: ['n'] });
  dial = () =>
    Promise.reject(new DialError('no-handshake', 'silent', { cause, silence: 'clock-behind' }));
  const error = await dialer()
    .dial(TARGET)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DialError);
  expect(error).toMatchObject({
    reason: 'no-handshake',
    message: 'silent',
    silence: 'clock-behind',
    cause: { reason: 'clock-behind', what: 'w', why: 'y', next: ['n'] },
  });
  expect(log.lines).toContainEqual({
    level: 'warn',
    fields: { reason: 'no-handshake', client: 'control socket', target: '100.127.69.42:80' },
    message: 'cannot connect to the target: silent',
  });
});

it('aborts a dial whose client disconnects', async () => {
  let aborted: AbortSignal | undefined;
  dial = (_target, signal) => {
    aborted = signal;
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  };
  const stop = new AbortController();
  const dialling = dialer().dial(TARGET, stop.signal);
  await until(() => aborted !== undefined);
  stop.abort(new Error('stop'));
  await expect(dialling).rejects.toThrow('stop');
  await until(() => aborted?.aborted === true);
  await until(() => shared.active === 0);
});

it('reports which bytes the target has acknowledged', async () => {
  let rest = 5;
  const slow = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done: () => void) => done(),
  });
  Object.defineProperty(slow, 'unacknowledgedBytes', { get: () => rest });
  dial = () => Promise.resolve(slow);
  const stream = await dialer(true).dial(TARGET);
  stream.write('hello');
  expect(stream.unacknowledgedBytes).toBe(5);
  rest = 2;
  await until(() => stream.unacknowledgedBytes === 2);
  rest = 0;
  await until(() => stream.unacknowledgedBytes === 0);
  stream.destroy();
});

it('accepts only a limited number of connections', async () => {
  const limited = tunnel(2);
  requests = limited.requests;
  const first = [await dialer().dial(TARGET), await dialer().dial(TARGET)];
  await expect(dialer().dial(TARGET)).rejects.toMatchObject({ reason: 'exhausted' });
  first[0]!.destroy();
  await until(() => limited.active === 1);
  await dialer().dial(TARGET);
  await limited.close({ graceMs: 0 });
});

it('serves 100 clients that connect at the same moment', async () => {
  target.on('connection', (socket) => socket.pipe(socket));
  const one = async (index: number) => {
    const stream = await dialer().dial(TARGET);
    stream.end(`${index}`);
    return all(stream);
  };
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => one(index)));
  expect(answers).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
});

it.each([
  { host: '', port: 80 },
  { host: '10.0.0.1', port: 0 },
  { host: '10.0.0.1', port: '80' },
  {},
])('refuses the target %j', async (request) => {
  const socket = await openLocalStream(path);
  socket.setEncoding('utf8').write(`${JSON.stringify({ request: 'dial', ...request })}\n`);
  const [reply] = (await once(socket, 'data')) as [string];
  expect(JSON.parse(reply)).toMatchObject({ reason: 'bad-request' });
});

describe('a refused client that sends more before it disconnects', () => {
  /** The number of local sockets of this process. */
  const sockets = () =>
    process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;

  async function request(): Promise<Record<string, unknown>> {
    const socket = await openLocalStream(path);
    socket.write(`${JSON.stringify({ request: 'dial', ...TARGET })}\n`);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    socket.write('more');
    socket.destroy();
    return JSON.parse(reply.toString()) as Record<string, unknown>;
  }

  it('leaves no socket behind if the limit is reached', async () => {
    requests = tunnel(0).requests;
    const before = sockets();
    expect(await request()).toMatchObject({ reason: 'exhausted' });
    await until(() => sockets() <= before);
  });

  it('does not count any more after its dial has failed', async () => {
    dial = () => Promise.reject(new DialError('refused', 'no'));
    expect(await request()).toMatchObject({ reason: 'refused' });
    await until(() => shared.active === 0);
  });
});

it('says that an older version does not know the request', async () => {
  requests = {};
  const error = await dialer()
    .dial(TARGET)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    reason: 'not-ready',
    message: 'arctun up (pid 1) is another version of arctun, which cannot share its tunnel',
  });
});

describe('datagrams', () => {
  const open = () => new SharedDatagramDialer(options()).open({ ...TARGET, port: 53 });

  it('travel in both directions, with their limits', async () => {
    const client = await open();
    expect(client.maxPayload).toBe(1392);
    client.send(Buffer.from('one'));
    client.send(Buffer.from(''));
    await until(() => channel.sent.length === 2);
    expect(channel.sent).toEqual(['one', '']);
    channel.arrive('answer');
    expect(Buffer.from((await client.receive(60_000))!).toString()).toBe('answer');
    expect(() => client.send(Buffer.alloc(1393))).toThrow(RangeError);
    await expect(client.receive(1)).resolves.toBeUndefined();
    client.close();
    await until(() => channel.isClosed);
    await expect(client.receive(1)).rejects.toMatchObject({ reason: 'closed' });
    expect(() => client.send(Buffer.of(1))).toThrow('the channel is closed');
  });

  it('continue after a closed port, and end after a lasting failure', async () => {
    const client = await open();
    const refused = client.receive(60_000);
    channel.fail(new DialError('refused', 'UDP port 53 on the target is closed'));
    await expect(refused).rejects.toMatchObject({ reason: 'refused' });
    const next = client.receive(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    channel.arrive('later');
    expect(Buffer.from((await next)!).toString()).toBe('later');
    const gone = client.receive(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    channel.fail(new DialError('unreachable', 'the address of this tunnel has changed'));
    await expect(gone).rejects.toMatchObject({ reason: 'unreachable' });
    await until(() => channel.isClosed);
  });

  it('are dropped while the queue is full', async () => {
    const client = await open();
    channel.error = new DialError('exhausted', 'full');
    client.send(Buffer.from('x'));
    channel.error = undefined;
    client.send(Buffer.from('y'));
    await until(() => channel.sent.length > 0);
    client.close();
  });

  it('end when the owner stops', async () => {
    const client = await open();
    const receiving = client.receive(60_000);
    await shared.close({ graceMs: 0 });
    await expect(receiving).rejects.toThrow('lost');
  });
});

describe('echo', () => {
  let now: number;
  const open = (host = '100.127.69.42', family?: 4 | 6) =>
    new SharedEchoDialer(options(), { now: () => now }).open(host, { family });
  beforeEach(() => (now = 1_000));

  it('travels in both directions, with the round trip that the owner measured', async () => {
    const client = await open('pong.test', 4);
    expect(echoes).toEqual([['pong.test', 4]]);
    expect(client).toMatchObject({ address: '100.127.69.42', maxPayload: 1392 });
    expect(client.send(65_535, Buffer.from('data'))).toBe(1_000);
    await until(() => echo.sent.length === 1);
    expect(echo.sent).toEqual([[65_535, 'data']]);
    const payload = Buffer.from('data');
    const event = { kind: 'reply', sequence: 65_535, at: 5_000_012.5, ttl: 61, payload } as const;
    now = 1_900;
    echo.arrive(event);
    const reply = await client.receive(60_000);
    expect({ ...reply, payload }).toEqual({ ...event, at: 1_012.5 });
    expect(reply).toHaveProperty('payload.length', 4);
    client.close();
    await until(() => echo.isClosed);
    expect(() => client.send(1, payload)).toThrow('the channel is closed');
  });

  it('reports ICMP errors with their text', async () => {
    const client = await open();
    client.send(7, Buffer.alloc(1392));
    await until(() => echo.sent.length === 1);
    const text = 'Destination Host Unreachable';
    echo.arrive({ kind: 'error', sequence: 7, at: 5_000_003, from: 'fd00::1', text });
    expect(await client.receive(60_000)).toEqual({
      ...{ kind: 'error', sequence: 7, at: 1_003, from: 'fd00::1', text },
    });
    client.close();
  });

  it('refuses longer data, and reports why a host cannot be pinged', async () => {
    const client = await open();
    expect(() => client.send(1, Buffer.alloc(1393))).toThrow(RangeError);
    client.close();
    await expect(open('nowhere.test')).rejects.toMatchObject({ reason: 'no-such-name' });
    expect(log.lines).toContainEqual({
      level: 'warn',
      fields: { reason: 'no-such-name', client: 'control socket', target: 'nowhere.test' },
      message: 'cannot connect to the target: cannot find nowhere.test',
    });
  });

  it('ends after a lasting failure, and when the owner stops', async () => {
    const failing = await open();
    const failed = failing.receive(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    echo.fail(new DialError('unreachable', 'the address of this tunnel has changed'));
    await expect(failed).rejects.toMatchObject({ reason: 'unreachable' });
    await until(() => echo.isClosed);
    const lost = (await open()).receive(60_000);
    await shared.close({ graceMs: 0 });
    await expect(lost).rejects.toThrow('lost');
  });

  it.each([{ host: '' }, { host: '10.0.0.1', family: 5 }, {}])(
    'refuses the request %j',
    async (request) => {
      const socket = await openLocalStream(path);
      socket.setEncoding('utf8').write(`${JSON.stringify({ request: 'echo', ...request })}\n`);
      const [reply] = (await once(socket, 'data')) as [string];
      expect(JSON.parse(reply)).toMatchObject({ reason: 'bad-request' });
      expect(echoes).toEqual([]);
    },
  );
});
