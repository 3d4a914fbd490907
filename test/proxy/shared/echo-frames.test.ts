import {
  decodeEvent,
  decodeRequest,
  encodeEvent,
  encodeRequest,
  SendTimes,
  type TimedEvent,
} from '../../../src/proxy/shared/echo-frames.js';

const REPLY: TimedEvent = {
  ...({ kind: 'reply', sequence: 0xfffe, elapsed: 0.25, ttl: 255 } as const),
  payload: Buffer.from('data'),
};
const ERROR: TimedEvent = {
  ...({ kind: 'error', sequence: 3, elapsed: 1e9 } as const),
  ...{ from: '192.0.2.1', text: 'Time to live exceeded' },
};

it('decodes what it has encoded', () => {
  expect(decodeRequest(encodeRequest(0xfffe, Buffer.from('data')))).toEqual({
    ...{ sequence: 0xfffe, payload: Buffer.from('data') },
  });
  expect(decodeRequest(encodeRequest(0, Buffer.of()))).toMatchObject({ sequence: 0 });
  expect(decodeEvent(encodeEvent(REPLY))).toEqual(REPLY);
  expect(decodeEvent(encodeEvent(ERROR))).toEqual(ERROR);
});

/** Returns the frame of an event with one byte changed. */
function changed(event: TimedEvent, index: number, byte: number): Buffer {
  const bytes = encodeEvent(event);
  bytes[index] = byte;
  return bytes;
}

const infinite = (elapsed: number) => encodeEvent({ ...REPLY, elapsed });

it.each([
  ['an empty frame', Buffer.of()],
  ['a short frame', encodeEvent(REPLY).subarray(0, 11)],
  ['an unknown kind', changed(REPLY, 0, 3)],
  ['an error without an address', encodeEvent({ ...ERROR, from: 'x', text: '' }).fill(0x78, 11)],
  ['a negative time', infinite(-1)],
  ['an infinite time', infinite(Infinity)],
  ['a time that is not a number', infinite(NaN)],
])('ignores %s', (_case, bytes) => {
  expect(decodeEvent(bytes)).toBeUndefined();
});

it('ignores a request without a sequence number', () => {
  expect(decodeRequest(Buffer.of(1))).toBeUndefined();
});

it('remembers the latest 1,024 requests', () => {
  const times = new SendTimes();
  for (let sequence = 0; sequence <= 1_024; sequence++) times.add(sequence, sequence * 10);
  expect(times.of(0)).toBeUndefined();
  expect(times.of(1)).toBe(10);
  expect(times.of(1_024)).toBe(10_240);
  times.add(1, 5);
  times.add(3_000, 1);
  expect(times.of(1)).toBe(5);
  expect(times.of(2)).toBeUndefined();
});
