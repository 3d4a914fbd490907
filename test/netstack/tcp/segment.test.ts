import { Segment } from '../../../src/netstack/tcp/segment.js';
import { ACK, FIN, SYN } from '../tcp-harness.js';
import { segmentBytes, segmentOf } from './lone-tcb.js';

/** Data that looks like an option. */
const WINDOW_SCALE = [3, 3, 7, 0];

function parse(bytes: readonly number[], offset = 0, length = bytes.length - offset): boolean {
  return new Segment().parse(Uint8Array.from(bytes), offset, length);
}

it.each([
  ['SYN', SYN, [], 1],
  ['FIN', FIN | ACK, [], 1],
])('counts %s in SEG.LEN', (_, flags, text, expected) => {
  expect(segmentOf({ flags, text }).segLen).toBe(expected);
});

describe('an invalid length', () => {
  const bytes = segmentBytes({ flags: ACK, options: WINDOW_SCALE });

  it('is a truncated header', () => {
    expect(parse(bytes)).toBe(true);
    expect(parse(bytes, 0, 23)).toBe(false);
    expect(parse(segmentBytes({ flags: ACK }))).toBe(true);
    expect(parse(segmentBytes({ flags: ACK }), 0, 19)).toBe(false);
  });
});

it('releases the packet', () => {
  const segment = segmentOf({ flags: ACK, text: [1] });
  segment.release();
  expect(segment.bytes).toHaveLength(0);
});
