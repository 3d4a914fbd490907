import {
  FRAME,
  frame,
  frameHeader,
  FrameReader,
  MAX_FRAME,
} from '../../../src/proxy/shared/frames.js';

type Read = (readonly [type: number, payload: string])[];

function reader(splitsData: boolean): { read: FrameReader; frames: Read } {
  const frames: Read = [];
  const read = new FrameReader((type, payload) => frames.push([type, payload.toString()]), {
    splitsData,
  });
  return { read, frames };
}

const bytes = Buffer.concat([
  frame(FRAME.data, Buffer.from('hello')),
  frame(FRAME.data, Buffer.alloc(0)),
  frame(FRAME.failure, Buffer.from('why')),
  frame(FRAME.end, Buffer.alloc(0)),
]);

it('reads whole frames from single bytes', () => {
  const { read, frames } = reader(false);
  for (const byte of bytes) expect(read.read(Buffer.of(byte))).toBe(true);
  expect(frames).toEqual([
    [FRAME.data, 'hello'],
    [FRAME.data, ''],
    [FRAME.failure, 'why'],
    [FRAME.end, ''],
  ]);
});

it('reads several frames from one chunk', () => {
  const { read, frames } = reader(false);
  expect(read.read(bytes)).toBe(true);
  expect(frames.map(([type]) => type)).toEqual([1, 1, 5, 2]);
});

it('passes on the bytes of data as they arrive', () => {
  const { read, frames } = reader(true);
  read.read(bytes.subarray(0, 6));
  expect(frames).toEqual([[FRAME.data, 'he']]);
  read.read(bytes.subarray(6));
  expect(frames.map(([, payload]) => payload)).toEqual(['he', 'llo', '', 'why', '']);
});

it.each([
  ['an unknown type', frameHeader(9 as 1, 0)],
  ['a payload that is too long', frameHeader(FRAME.data, MAX_FRAME + 1)],
])('rejects %s', (_what, header) => {
  expect(reader(true).read.read(header)).toBe(false);
});

it('accepts the longest payload', () => {
  const { read, frames } = reader(false);
  expect(read.read(frame(FRAME.data, Buffer.alloc(MAX_FRAME, 'x')))).toBe(true);
  expect(frames[0]![1]).toHaveLength(MAX_FRAME);
});
