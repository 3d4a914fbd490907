/** The use cases of a spool, with a disk in memory and a target on this machine. */
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { createServer } from 'node:http';

import { jest } from '@jest/globals';

import {
  listSpool,
  removeMessages,
  retryMessages,
  showMessage,
} from '../../../src/app/spool/manage-spool.js';
import { openSpool, ownSpool } from '../../../src/app/spool/open-spool.js';
import { drainThrough, keepMessage, sendSpooled } from '../../../src/app/spool/send-spooled.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { FileError } from '../../../src/ports/files.js';
import type { Dialer } from '../../../src/proxy/dialer.js';
import { exchangeHttp } from '../../../src/proxy/http-exchange.js';
import { Cleanup, failing, localDialer } from '../../proxy/support/forwarding.js';
import { LosingDisk } from '../../proxy/spool/support/losing-disk.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const TARGET = { host: '100.127.69.42', port: 80 };

const cleanup = new Cleanup();
let disk: LosingDisk;
let claims: FakeClaims;
let clock: FakeClock;
let log: RecordingLog;
let received: string[];
beforeEach(() => {
  disk = new LosingDisk();
  claims = new FakeClaims();
  clock = new FakeClock();
  log = new RecordingLog();
  received = [];
});
afterEach(() => cleanup.run());

const opener = () => ({
  openFolder: () => Promise.resolve(disk),
  wallClock: { unixMilliseconds: () => 1_795_989_600_000 },
  entropy: seededEntropy(1),
});

const settings = (messages = 10) => ({ folder: 'spool', limits: { messages, bytes: 10_000 } });

const own = (wait = 0) =>
  ownSpool(settings(), { pid: 7, wait }, { ...opener(), claims, clock, log });

/** A target that answers each request with a status, or resets the connection. */
async function target(status: number | undefined): Promise<Dialer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString());
      if (status === undefined) request.socket.destroy();
      else response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return localDialer((server.address() as AddressInfo).port);
}

async function send(
  body: string,
  dialer: Dialer,
  messages = 10,
  port = TARGET.port,
  signal?: AbortSignal,
) {
  const { spool } = await openSpool(settings(messages), opener());
  const message = { method: 'POST', path: '/', headers: [], body: Buffer.from(body) };
  const to = { ...TARGET, port };
  const limits = { idleTimeout: 5_000, maxAnswerBytes: 1_000 };
  return sendSpooled(
    {
      ...{ spool, path: 'spool', target: to, message, timeout: 5_000, log, signal },
      exchange: (through) => exchangeHttp(through, to, message, limits),
      explain: (error) => error,
    },
    dialer,
  );
}

const states = async () =>
  (await listSpool(settings(), opener())).map(({ state, detail }) => `${state} ${detail ?? ''}`);

it('returns a refusal to the user, who decides what to do', async () => {
  expect(await send('a', await target(500))).toMatchObject({ status: 500 });
  expect(await states()).toEqual([]);
});

it('keeps messages while the target cannot be reached, and sends them in order', async () => {
  const kept = { via: 'spool', why: 'because no-handshake' };
  expect(await send('a', failing('no-handshake'))).toMatchObject(kept);
  expect(await send('b', failing('no-handshake'))).toMatchObject(kept);
  expect(await states()).toEqual(['queued ', 'queued ']);
  expect(await send('c', await target(201))).toMatchObject({ status: 201 });
  expect(received).toEqual(['a', 'b', 'c']);
  expect(await states()).toEqual([]);
});

describe('after an abort', () => {
  /** Sends through the dialer, and aborts when the first message has been delivered. */
  function abortAfterOne(): AbortSignal {
    const stop = new AbortController();
    const remove = disk.remove.bind(disk);
    disk.remove = (name) => {
      stop.abort(new Error('stop'));
      return remove(name);
    };
    return stop.signal;
  }

  beforeEach(async () => {
    for (const port of [80, 80, 81]) await send(`to ${port}`, failing('refused'), 10, port);
  });

  it('begins no further message, also for other targets', async () => {
    const { spool } = await openSpool(settings(), opener());
    const begun = jest.spyOn(spool, 'begin');
    const signal = abortAfterOne();
    const drained = { spool, path: 'spool', timeout: 5_000, log, signal };
    expect(await drainThrough(await target(201), drained)).toEqual({
      ...{ delivered: 1, setAside: [], waitsFor: 'stop' },
    });
    expect(begun).toHaveBeenCalledTimes(1);
    expect(received).toEqual(['to 80']);
    expect(await states()).toEqual(['queued ', 'queued ']);
  });
});

it('keeps a message as unknown if the target may have read it, and never sends it again', async () => {
  await expect(send('a', await target(undefined))).rejects.toThrow();
  expect(await states()).toEqual(['unknown lost']);
  await send('b', await target(201));
  expect(received).toEqual(['a', 'b']);
  expect(await states()).toEqual(['unknown lost']);
});

it.each(['no-route', 'no-such-name'] as const)(
  'fails with %s, because waiting does not help, and keeps nothing',
  async (reason) => {
    await expect(send('a', failing(reason))).rejects.toThrow(`because ${reason}`);
    expect(await states()).toEqual([]);
  },
);

it('fails if the spool is full, and says so', async () => {
  await send('a', failing('timeout'), 1);
  await expect(send('b', failing('timeout'), 1)).rejects.toMatchObject({
    kind: 'failed',
    what: 'cannot send the message, and cannot keep it',
    why: expect.stringContaining('the spool contains 1 of at most') as string,
  });
  expect(await states()).toEqual(['queued ']);
});

describe('a disk that becomes read-only while a message is sent', () => {
  const WARNING = 'cannot save the outcome of the message; the spool will list it as unknown';

  /** The folder can be changed until the dial. */
  function failingDisk(dialer: Dialer): Dialer {
    const fail = () => Promise.reject(new FileError('failed', '/spool', 'read-only'));
    return {
      dial: (to, signal) => {
        Object.assign(disk, { rename: fail, remove: fail });
        return dialer.dial(to, signal);
      },
    };
  }

  it('does not hide the response', async () => {
    expect(await send('a', failingDisk(await target(201)))).toMatchObject({ status: 201 });
    expect(log.lines).toMatchObject([{ fields: { reason: 'read-only' }, message: WARNING }]);
    expect(await states()).toEqual(['sending ']);
  });
});

describe('the owner', () => {
  it('is one process, and another one learns which', async () => {
    const { close } = await own();
    await expect(own()).rejects.toMatchObject({
      kind: 'failed',
      why: 'process 7 is using it',
    });
    await close();
    await (await own()).close();
  });

  it('does not wait for "up", which uses the spool until it is stopped', async () => {
    const ports = { ...opener(), claims, clock, log };
    const { close } = await ownSpool(settings(), { pid: 7, wait: 0, isLasting: true }, ports);
    await expect(own(60_000)).rejects.toMatchObject({
      kind: 'failed',
      why: '"arctun up" (process 7) is using it, and sends its messages',
      next: ['Send the message to the forwarder of "arctun up", or use another folder.'],
    });
    await close();
  });

  it('waits for the other process', async () => {
    const { close } = await own();
    const waiting = own(1_000);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    clock.advance(300);
    await close();
    for (let turn = 0; turn < 30; turn++) {
      await Promise.resolve();
      clock.advance(50);
    }
    await (await waiting).close();
  });

  it('warns about what was being sent when its process ended', async () => {
    const { spool } = await openSpool(settings(), opener());
    const { id } = await spool.pass(Buffer.from('x'));
    await (await own()).close();
    expect(log.messages('warn')).toEqual([
      'a message was being sent when its process ended; it may have arrived',
    ]);
    expect(await listSpool(settings(), opener())).toMatchObject([{ id, state: 'unknown' }]);
  });
});

it('lists, shows and changes messages only in a folder that exists', async () => {
  const accesses: unknown[] = [];
  const openFolder = (_path: string, access?: string) => {
    accesses.push(access);
    return Promise.resolve(disk);
  };
  const watched = { ...opener(), openFolder };
  await send('a', failing('no-handshake'));
  const [{ id } = { id: '' }] = await listSpool(settings(), watched);
  await showMessage(settings(), id, watched);
  await retryMessages(settings(), 'all', watched);
  await removeMessages(settings(), { id }, watched);
  expect(accesses).toEqual(['read', 'read', 'change', 'change']);
});

it.each([
  ['absent', 'no such file', 'no such folder'],
  ['no-folder', 'the folder /x does not exist', 'the folder /x does not exist'],
] as const)('reports that the folder of a spool is missing (%s)', async (failure, message, why) => {
  const missing = new FileError(failure, '/x/spool', message);
  const nowhere = { ...opener(), openFolder: () => Promise.reject(missing) };
  await expect(listSpool(settings(), nowhere)).rejects.toMatchObject({
    kind: 'configuration',
    what: 'cannot use the spool spool (--spool)',
    why,
    next: ['Check the path. "arctun up" and "arctun send" create a missing folder.'],
  });
});

describe('a message', () => {
  async function kept(): Promise<string> {
    const { spool } = await openSpool(settings(), opener());
    const message = { method: 'POST', path: '/x', headers: [], body: Buffer.from('hi') };
    const given = { spool, path: 'spool', target: TARGET, message, timeout: 1, log };
    const never = () => Promise.reject(new Error('never'));
    const { id } = await keepMessage({ ...given, exchange: never, explain: (e) => e }, 'no line');
    return id;
  }

  it('can be removed, once', async () => {
    const id = await kept();
    expect(await removeMessages(settings(), { id }, opener())).toMatchObject([{ id }]);
    await expect(removeMessages(settings(), { id }, opener())).rejects.toThrow(UserError);
    await expect(showMessage(settings(), id, opener())).rejects.toThrow(`no message ${id}`);
  });

  it('is not removed while it is being sent', async () => {
    const { spool } = await openSpool(settings(), opener());
    const { id } = await spool.pass(Buffer.from('x'));
    await expect(removeMessages(settings(), { id }, opener())).rejects.toThrow(/is being sent/);
    expect(await removeMessages(settings(), 'all', opener())).toEqual([]);
    await spool.recover();
    expect(await retryMessages(settings(), 'all', opener())).toMatchObject([{ state: 'queued' }]);
  });
});
