import { Segment } from '../../../src/netstack/tcp/segment.js';
import { ACK, FIN, PSH, RST, SYN } from '../tcp-harness.js';
import { segmentBytes, segmentOf } from './lone-tcb.js';

/** Data that looks like an option. */
const WINDOW_SCALE = [3, 3, 7, 0];

function parse(bytes: readonly number[], offset = 0, length = bytes.length - offset): boolean {
  return new Segment().parse(Uint8Array.from(bytes), offset, length);
}

it('reads the fields of RFC 9293 3.1 at any offset of a packet', () => {
  const front = [9, 9, 9];
  const options = [2, 4, 0x05, 0xb4];
  const bytes = Uint8Array.from([
    ...front,
    ...segmentBytes({
      flags: PSH | ACK,
      seq: 0x8123_4567,
      ack: 0x0abc_def0,
      wnd: 0xfedc,
      options,
      text: WINDOW_SCALE,
      ports: [0xc0de, 0x1f90],
    }),
  ]);
  const segment = new Segment();
  expect(segment.parse(bytes, 3, bytes.length - 3)).toBe(true);
  expect(segment).toMatchObject({
    sourcePort: 0xc0de,
    destinationPort: 0x1f90,
    segSeq: 0x8123_4567 | 0,
    segAck: 0x0abc_def0,
    segWnd: 0xfedc,
    flags: PSH | ACK,
    payloadOffset: 27,
    payloadLength: 4,
    segLen: 4,
  });
  expect(segment.bytes).toBe(bytes);
  expect(segment.options).toMatchObject({ mss: 1460, hasMss: true, windowShift: -1 });
});

it('clears the options of the previous segment', () => {
  const segment = segmentOf({ flags: SYN, options: WINDOW_SCALE });
  expect(segment.options.windowShift).toBe(7);
  const bytes = Uint8Array.from(segmentBytes({ flags: ACK, text: WINDOW_SCALE }));
  segment.parse(bytes, 0, bytes.length);
  expect(segment.options.windowShift).toBe(-1);
});

it('recognizes the window of a SYN, even after the SYN is removed (RFC 7323 2.2)', () => {
  const segment = segmentOf({ flags: SYN | ACK });
  segment.flags &= ~SYN;
  expect(segment.hasSynWindow).toBe(true);
  const bytes = Uint8Array.from(segmentBytes({ flags: ACK }));
  segment.parse(bytes, 0, bytes.length);
  expect(segment.hasSynWindow).toBe(false);
});

it.each([
  ['nothing', 0, [], 0],
  ['SYN', SYN, [], 1],
  ['FIN', FIN | ACK, [], 1],
  ['data and FIN', FIN | ACK, [1, 2], 3],
  ['data, SYN and FIN', SYN | FIN, [1, 2], 4],
])('counts %s in SEG.LEN', (_, flags, text, expected) => {
  expect(segmentOf({ flags, text }).segLen).toBe(expected);
});

it('reads the flags', () => {
  const segment = segmentOf({ flags: RST | ACK });
  expect([ACK, RST, SYN, FIN].map((flag) => segment.has(flag))).toEqual([true, true, false, false]);
});

describe('an invalid length', () => {
  const bytes = segmentBytes({ flags: ACK, options: WINDOW_SCALE });

  it('is a truncated header', () => {
    expect(parse(bytes)).toBe(true);
    expect(parse(bytes, 0, 23)).toBe(false);
    expect(parse(segmentBytes({ flags: ACK }))).toBe(true);
    expect(parse(segmentBytes({ flags: ACK }), 0, 19)).toBe(false);
  });

  it('is a data offset below the minimum header', () => {
    bytes[12] = 4 << 4;
    expect(parse(bytes)).toBe(false);
    bytes[12] = 5 << 4;
    expect(parse(bytes)).toBe(true);
  });
});

it('releases the packet', () => {
  const segment = segmentOf({ flags: ACK, text: [1] });
  segment.release();
  expect(segment.bytes).toHaveLength(0);
});
