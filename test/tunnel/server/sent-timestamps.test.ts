import type { TimestampRecord, TimestampStore } from '../../../src/ports/stores/timestamp-store.js';
import { SentTimestamps } from '../../../src/tunnel/server/sent-timestamps.js';

const stamp = (byte: number) => new Uint8Array(12).fill(byte);

/** Records by the first byte of their key: the stored ones, and those stored since. */
class MemoryStore implements TimestampStore {
  readonly saved: [key: number, stamp: Uint8Array][] = [];

  open([key = 0]: Uint8Array): Promise<TimestampRecord> {
    return Promise.resolve({
      last: key === 9 ? undefined : stamp(key),
      save: (timestamp) => this.saved.push([key, timestamp]),
    });
  }
}

it('stores each timestamp in the record of the key in use at the time', async () => {
  const store = new MemoryStore();
  const timestamps = await SentTimestamps.open(store, new Uint8Array(32).fill(1));
  expect(timestamps.last).toEqual(stamp(1));
  const keyChanges = await timestamps.prepare(new Uint8Array(32).fill(2));
  timestamps.save(stamp(10));
  expect(timestamps.last).toEqual(stamp(1));
  keyChanges();
  expect(timestamps.last).toEqual(stamp(2));
  timestamps.save(stamp(11));
  expect(store.saved).toEqual([
    [1, stamp(10)],
    [2, stamp(11)],
  ]);
  (await timestamps.prepare(new Uint8Array(32).fill(9)))();
  expect(timestamps.last).toBeUndefined();
});

it('stores nothing without a store', async () => {
  const timestamps = await SentTimestamps.open(undefined, new Uint8Array(32));
  timestamps.save(stamp(1));
  (await timestamps.prepare(new Uint8Array(32)))();
  expect(timestamps.last).toBeUndefined();
});
