import { readLimited } from '../../src/lib/read-limited.js';

let isClosed: boolean;
async function* threeAndTwo(): AsyncGenerator<Uint8Array> {
  isClosed = false;
  try {
    yield new Uint8Array(3);
    await Promise.resolve();
    yield new Uint8Array(2);
  } finally {
    isClosed = true;
  }
}

const tooLong = () => new RangeError('too long');

it('returns all chunks in order, up to the limit', async () => {
  const chunks = await readLimited(threeAndTwo(), 5, tooLong);
  expect(chunks).toEqual([new Uint8Array(3), new Uint8Array(2)]);
});

it.each([4, 2])('throws the given error and closes the stream, at %d', async (limit) => {
  await expect(readLimited(threeAndTwo(), limit, tooLong)).rejects.toThrow(
    new RangeError('too long'),
  );
  expect(isClosed).toBe(true);
});
