import { acceptedAt, parseEntryName } from '../../../src/proxy/spool/spool-entry.js';
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

it('refuses a message beyond the number or the size, and keeps nothing of it', async () => {
  await spool.keep(bytes(50));
  await expect(spool.keep(bytes(51))).rejects.toThrow(SpoolFullError);
  await spool.keep(bytes(49));
  await spool.keep(bytes(1));
  await expect(spool.keep(bytes(0))).rejects.toThrow(
    'the spool holds 3 messages with 100 bytes; it has room for 3 messages with 100 bytes',
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

it.each(['lock', '1-abcdef.5.queued', '1795989600000-abcdef.5.sent', '1795989600000-abcdef.tmp'])(
  'does not take the file %s for a message',
  (name) => {
    expect(parseEntryName(name)).toBeUndefined();
  },
);
