import { jest } from '@jest/globals';

import {
  acceptedAt,
  parseEntryName,
  type SpoolEntry,
} from '../../../src/proxy/spool/spool-entry.js';
import { formatMessage } from '../../../src/proxy/spool/spooled-message.js';
import { Spool, SpoolFullError } from '../../../src/proxy/spool/spool.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { LosingDisk } from './support/losing-disk.js';

const bytes = (length: number) => new Uint8Array(length);

let disk: LosingDisk;
let now: number;
let spool: Spool;
beforeEach(() => {
  disk = new LosingDisk();
  now = 1_795_989_600_000;
  spool = open();
});

function open(messages = 3, size = 100): Spool {
  const wallClock = { unixMilliseconds: () => now };
  const limits = { messages, bytes: size };
  return new Spool({ folder: disk, wallClock, entropy: seededEntropy(1) }, limits);
}

it('keeps the order of acceptance after the clock is set back', async () => {
  const first = await spool.keep(bytes(1));
  now -= 1_000;
  const second = await open().keep(bytes(2));
  expect(acceptedAt(second.id)).toBe(acceptedAt(first.id) + 1);
  expect((await spool.list()).map(({ id }) => id)).toEqual([first.id, second.id]);
});

describe('a new message whose temporary file another process removes', () => {
  /** The other process removes the file before a step, `times` times. */
  function removeBefore(step: 'sync' | 'rename', times: number): void {
    const original = disk[step].bind(disk) as (...names: string[]) => Promise<never>;
    let left = times;
    disk[step] = async (...names: string[]) => {
      if (left-- > 0) await disk.remove(names[0]!);
      return original(...names);
    };
  }

  it.each(['sync', 'rename'] as const)(
    'is written again, if that happens before %s',
    async (step) => {
      removeBefore(step, 1);
      const { id } = await spool.keep(bytes(1));
      expect(await spool.list()).toMatchObject([{ id, state: 'queued' }]);
      expect(await disk.list()).toHaveLength(1);
    },
  );

  it.each(['sync', 'rename'] as const)(
    'is reported as lost after the second time, before %s',
    async (step) => {
      removeBefore(step, 2);
      await expect(spool.keep(bytes(1))).rejects.toMatchObject({
        name: 'FileError',
        message: 'another program has removed the message',
      });
      expect(await disk.list()).toEqual([]);
    },
  );
});

it('refuses a message beyond the number or the size, and keeps nothing of it', async () => {
  await spool.keep(bytes(50));
  await expect(spool.keep(bytes(51))).rejects.toThrow(SpoolFullError);
  await spool.keep(bytes(49));
  await spool.keep(bytes(1));
  await expect(spool.keep(bytes(0))).rejects.toThrow(
    'the spool contains 3 of at most 3 messages, and 100 of at most 100 bytes',
  );
  expect(await disk.list()).toHaveLength(3);
});

it('lets messages pass a full spool, but does not keep them', async () => {
  await spool.keep(bytes(100));
  const passing = await spool.pass(bytes(10));
  await expect(spool.keepPassing(passing)).rejects.toThrow(SpoolFullError);
  expect(await spool.list()).toMatchObject([{ state: 'queued', bytes: 100 }]);
});

it('counts a message that passed and was kept', async () => {
  const passing = await spool.pass(bytes(60));
  await spool.keep(bytes(60));
  await expect(spool.keepPassing(passing)).rejects.toThrow(SpoolFullError);
  const other = await spool.pass(bytes(40));
  expect(await spool.keepPassing(other)).toMatchObject({ id: other.id, state: 'queued' });
  await expect(spool.keep(bytes(1))).rejects.toThrow(SpoolFullError);
});

it('counts messages that were set aside', async () => {
  const sending = (await spool.begin(await spool.keep(bytes(100))))!;
  await spool.setAside(sending, 'refused', '404');
  await expect(spool.keep(bytes(1))).rejects.toThrow(SpoolFullError);
});

it.each([
  ['number', 4, 1_000],
  ['size', 100, 20],
])('lets messages that may have arrived fill half of the %s', async (_, messages, size) => {
  spool = open(messages, size);
  const passing = [];
  for (let count = 0; count < 3; count++) passing.push(await spool.accept(bytes(5)));
  for (const entry of passing.slice(0, 2)) await spool.setAside(entry, 'unknown', 'lost');
  await expect(spool.setAside(passing[2]!, 'unknown', 'lost')).rejects.toThrow(SpoolFullError);
  disk.losePower(0);
  expect((await spool.list()).map(({ state }) => state)).toEqual(['unknown', 'unknown']);
  for (let count = 0; count < 2; count++) await spool.keep(bytes(5));
  await expect(spool.keep(bytes(5))).rejects.toThrow(SpoolFullError);
  // Messages that were queued have their room already.
  const [, , queued] = await spool.list();
  const sending = await spool.begin(queued!);
  expect(await spool.setAside(sending!, 'unknown', 'lost')).toMatchObject({ state: 'unknown' });
});

it('does not set aside a message that passes a spool full of queued messages', async () => {
  const passing = await spool.pass(bytes(1));
  for (let count = 0; count < 3; count++) await spool.keep(bytes(1));
  await expect(spool.setAside(passing, 'unknown', 'lost')).rejects.toThrow(SpoolFullError);
  expect(await spool.list()).toHaveLength(3);
});

it('marks what was being sent as unknown, and removes half-written files', async () => {
  const queued = await spool.keep(bytes(1));
  const sending = await spool.pass(bytes(2));
  await disk.create('1795989600005-000000.tmp', bytes(3));
  await disk.create('notes.txt', bytes(3));
  const unknown = { ...sending, state: 'unknown', detail: 'killed' };
  expect(await open().recover()).toEqual([unknown]);
  expect(await spool.list()).toEqual([queued, unknown]);
  expect(await disk.list()).toHaveLength(3);
});

it('does not begin, requeue or discard a message that another process has taken', async () => {
  const entry = await spool.keep(bytes(1));
  expect(await open().discard(entry)).toBe(true);
  expect(await spool.begin(entry)).toBeUndefined();
  expect(await spool.requeue({ ...entry, state: 'sending' })).toBeUndefined();
  expect(await spool.discard(entry)).toBe(false);
});

it('does not discard a message that is being sent', async () => {
  const entry = await spool.pass(bytes(1));
  expect(await spool.discard(entry)).toBe(false);
  expect(await spool.list()).toEqual([entry]);
});

it('queues a message that was set aside in its old place', async () => {
  const first = (await spool.begin(await spool.keep(bytes(1))))!;
  const second = await spool.keep(bytes(1));
  const unknown = (await spool.setAside(first, 'unknown', 'lost'))!;
  expect(await spool.retry(unknown)).toEqual({ ...first, state: 'queued' });
  expect((await spool.list()).map(({ id }) => id)).toEqual([first.id, second.id]);
});

describe('accept', () => {
  it('lets a message pass if none waits', async () => {
    const first = await spool.accept(bytes(1));
    const second = await spool.accept(bytes(1));
    expect([first.state, second.state]).toEqual(['sending', 'sending']);
    await spool.keepPassing(first);
    expect(await spool.accept(bytes(1))).toMatchObject({ state: 'queued' });
  });

  it.each<[string, (entry: SpoolEntry) => Promise<unknown>]>([
    ['was delivered', (entry) => spool.finish(entry)],
    ['was set aside', (entry) => spool.setAside(entry, 'unknown', 'lost')],
  ])('queues a message while an older one is sent again, until that %s', async (_, end) => {
    const older = (await spool.begin(await spool.keep(bytes(1))))!;
    expect(await spool.hasBacklog(bytes(1))).toBe(true);
    const queued = await spool.accept(bytes(1));
    expect(queued.state).toBe('queued');
    await spool.discard(queued);
    await end(older);
    expect(await spool.hasBacklog(bytes(1))).toBe(false);
    expect(await spool.accept(bytes(1))).toMatchObject({ state: 'sending' });
  });

  it('queues a message after an older one was queued again', async () => {
    const older = (await spool.begin(await spool.keep(bytes(1))))!;
    await spool.requeue(older);
    await spool.discard({ ...older, state: 'queued' });
    expect(await spool.accept(bytes(1))).toMatchObject({ state: 'sending' });
  });

  it('queues a message only after older ones for the same target', async () => {
    const to = (host: string, port: number) =>
      formatMessage({ target: { host, port }, request: bytes(1) });
    spool = open(9, 999);
    await spool.keep(to('a.example', 80));
    for (const [host, port, state] of [
      ['A.example', 80, 'queued'],
      ['a.example', 81, 'sending'],
      ['b.example', 80, 'sending'],
    ] as const) {
      expect(await spool.hasBacklog(to(host, port))).toBe(state === 'queued');
      expect(await spool.accept(to(host, port))).toMatchObject({ state });
    }
  });

  it('queues a message after a file whose name contains no target', async () => {
    await disk.create('1795989500000-00000a.1.queued', bytes(1));
    const content = formatMessage({ target: { host: 'a.example', port: 80 }, request: bytes(1) });
    expect(await spool.accept(content)).toMatchObject({ state: 'queued' });
    expect(parseEntryName('1795989500000-00000a.1.queued')).toMatchObject({ target: '' });
  });

  it('has saved the message when it resolves', async () => {
    const entry = await spool.accept(bytes(1));
    disk.losePower(0);
    expect(await spool.list()).toEqual([entry]);
  });

  it('lists the folder once for each message', async () => {
    await spool.keep(bytes(1));
    const lists = jest.spyOn(disk, 'list');
    expect(await spool.accept(bytes(1))).toMatchObject({ state: 'queued' });
    expect(lists).toHaveBeenCalledTimes(1);
  });

  it('refuses a message that must wait in a full spool', async () => {
    await spool.keep(bytes(100));
    await expect(spool.accept(bytes(1))).rejects.toThrow(SpoolFullError);
    expect(await spool.list()).toHaveLength(1);
  });

  it('does not take what another process has left behind for an older message', async () => {
    await open().accept(bytes(1));
    expect(await spool.accept(bytes(1))).toMatchObject({ state: 'sending' });
  });
});

it.each<[string, (entry: SpoolEntry) => Promise<unknown>]>([
  ['a delivered message', (entry) => spool.finish(entry)],
  ['a discarded message', (entry) => spool.discard({ ...entry, state: 'queued' })],
])('has saved that %s is removed', async (name, remove) => {
  const entry =
    name === 'a delivered message' ? await spool.pass(bytes(1)) : await spool.keep(bytes(1));
  await remove(entry);
  disk.losePower(0);
  expect(await spool.list()).toEqual([]);
});

it.each(['lock', '1-abcdef.5.queued', '1795989600000-abcdef.5.sent', '1795989600000-abcdef.tmp'])(
  'does not take the file %s for a message',
  (name) => {
    expect(parseEntryName(name)).toBeUndefined();
  },
);
