/** The spool of `up`, with a disk in memory and a clock that the test advances. */
import { jest } from '@jest/globals';

import { ForwarderSpool } from '../../../src/app/spool/forwarder-spool.js';
import type { Dialer } from '../../../src/proxy/dialer.js';
import { formatMessage } from '../../../src/proxy/spool/spooled-message.js';
import type { TakenRequest } from '../../../src/proxy/spool/spool-keeper.js';
import { FileError } from '../../../src/ports/files.js';
import { failing, OK, until } from '../../proxy/support/forwarding.js';
import { KeepableDialer } from '../../proxy/support/keepable.js';
import { LosingDisk } from '../../proxy/spool/support/losing-disk.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const TARGET = { host: '100.127.69.42', port: 80 };
const GRACE = 5_000;

let disk: LosingDisk;
let claims: FakeClaims;
let clock: FakeClock;
let log: RecordingLog;
beforeEach(() => {
  disk = new LosingDisk();
  claims = new FakeClaims();
  clock = new FakeClock();
  log = new RecordingLog();
});

function open(resends = true): Promise<ForwarderSpool> {
  const limits = { messages: 10, bytes: 10_000 };
  const { signal } = new AbortController();
  return ForwarderSpool.open(
    { settings: { folder: 'spool', limits }, pid: 7, wait: 0, signal, resends },
    {
      openFolder: () => Promise.resolve(disk),
      wallClock: { unixMilliseconds: () => 1_795_989_600_000 },
      entropy: seededEntropy(1),
      ...{ claims, clock, log },
    },
  );
}

const take = (spool: ForwarderSpool, text: string) =>
  spool.keeper.take({ target: TARGET, request: Buffer.from(text) });

function passing(taken: TakenRequest) {
  if (taken.kind !== 'passing') throw new Error(`the request is ${taken.kind}`);
  return taken.request;
}

/** Leaves a queued message on the disk, as an earlier process does. */
async function leaveMessage(text: string, state = 'queued'): Promise<void> {
  const content = formatMessage({ target: TARGET, request: Buffer.from(text) });
  await disk.create(`1795989500000-00000a.${content.length}.${state}`, content);
}

it('warns at the start if the disk is full, and starts', async () => {
  const create = jest.spyOn(disk, 'create');
  create.mockRejectedValue(new FileError('failed', 'spool', 'no space left on device'));
  const spool = await open();
  expect(log.lines).toEqual([
    {
      level: 'warn',
      fields: { path: 'spool', reason: 'no space left on device' },
      message:
        'cannot save messages in the spool; a message that cannot be sent at once will be refused',
    },
  ]);
  await spool.close();
});

it('sends the messages of an earlier process, and then those that were queued meanwhile', async () => {
  await leaveMessage('a');
  const spool = await open();
  expect(await take(spool, 'b')).toMatchObject({ kind: 'queued' });
  const dialer = new KeepableDialer();
  spool.sendThrough(dialer);
  const target = await dialer.side(0);
  expect(await target.request()).toBe('a');
  target.respond(OK);
  expect(await target.request()).toBe('b');
  expect(await spool.status()).toEqual({
    ...{ folder: 'spool', queued: 0, sending: 1, unknown: 0, refused: 0 },
  });
  target.respond(OK);
  await until(async () => (await disk.list()).length === 0);
  await spool.close();
});

it('sends a message as soon as the line is back', async () => {
  await leaveMessage('a');
  const spool = await open();
  const dialer = new KeepableDialer();
  let line: Dialer = failing('no-handshake');
  let dials = 0;
  spool.sendThrough({
    dial: (...parameters) => {
      dials++;
      return line.dial(...parameters);
    },
  });
  await until(() => clock.armed === 1);
  expect(dials).toBe(1);
  line = dialer;
  spool.linkIsUp();
  (await dialer.side(0)).respond(OK);
  await until(async () => (await disk.list()).length === 0);
  await spool.close();
});

async function turn(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a stop', () => {
  it('waits for the messages in progress within the grace period', async () => {
    const spool = await open();
    const request = passing(await take(spool, 'a'));
    const stopped = spool.stop(GRACE);
    clock.advance(GRACE * 0.5);
    expect(spool.keeper.signal.aborted).toBe(false);
    request.answered();
    await stopped;
    await spool.close();
    expect(await disk.list()).toEqual([]);
    expect(claims.holders.size).toBe(0);
  });
});

it('keeps the folder until all requests are settled', async () => {
  const spool = await open();
  const request = passing(await take(spool, 'a'));
  const closed = spool.close();
  await turn(0);
  expect(claims.holders.size).toBe(1);
  await request.lost();
  await closed;
  expect(claims.holders.size).toBe(0);
});
