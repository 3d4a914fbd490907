import { MemoryBudget } from '../../../../src/lib/memory-budget.js';
import { Receiver } from '../../../../src/netstack/tcp/receive/receiver.js';
import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  SACK_SYN,
  SACK_TIMESTAMPS_SYN,
  SCALE_OPTION,
  type Seg,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';

describe('the advertised window', () => {
  it('closes, and opens with an update after the user has read (tcp_zero_receive_window)', () => {
    const h = new Harness({ limits: { receiveBuffer: 4000 } }).establish();
    for (let count = 0; count < 4; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
    }
    expect(h.sends().at(-1)).toMatchObject({ ack: 4001, wnd: 0 });
    h.connection.receive(999, h.now);
    expect(h.sendsBriefly()).toEqual([]);
    h.connection.receive(1, h.now);
    expect(h.sends()).toMatchObject([{ flags: 'ACK', ack: 4001, wnd: 1000 }]);
  });

  it('shrinks to the available memory as the peer uses up its window (SHLD-14)', () => {
    const h = new Harness({ limits: { bufferBytes: 0 } }).establish();
    for (let count = 0; count < 64; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
      h.connection.receive(1000, h.now);
      h.sends();
    }
    expect(h.connection.info().rcvWnd).toBeLessThanOrEqual(16 * 1024);
  });

  it('accepts data that an earlier window allowed, even if scaling rounds the current one down (RFC 7323 2.4)', () => {
    // A unit of the window field is 2048 octets here, more than a full segment.
    const h = new Harness({ limits: { receiveBuffer: 64 * 1024 * 1024 } });
    h.establish({ syn: [...MSS_OPTION(1000), ...SCALE_OPTION(0)] });
    expect(h.connection.info().rcvWnd).toBe(0xffff);
    for (const seq of [1, 1001]) h.receives({ flags: ACK, seq, data: 1000 });
    h.connection.receive(1999, h.now);
    expect(h.sends().at(-1)).toMatchObject({ ack: 2001, wnd: 31 });
    expect(h.connection.info().rcvWnd).toBe(0xffff - 2000);
    h.receives({ flags: ACK, seq: 0xffff, data: 1 });
    expect(h.stack.drops.of('tcp-sequence')).toBe(0);
  });

  it('is closed after a FIN that fills it', () => {
    const h = new Harness({ limits: { receiveBuffer: 1000 } }).establish();
    h.receives({ flags: FIN | ACK, seq: 1, data: 1000 });
    expect(h.sends()).toMatchObject([{ ack: 1002, wnd: 0 }]);
    expect(h.connection.info()).toMatchObject({ state: 'CLOSE-WAIT', rcvWnd: 0 });
  });

  it('is not backed by more memory than the budget (tcp_rcv_buf_space)', () => {
    const h = new Harness({ limits: { bufferBytes: 0 } }).establish();
    h.receives({ flags: ACK, seq: 20_001, data: 1000 });
    expect(h.stack.drops.of('tcp-memory')).toBe(1);
    for (let count = 0; count < 20; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
    }
    expect(h.connection.readableBytes).toBe(16 * 1024);
    expect(h.stack.usage.bufferBytes).toBe(16 * 1024);
    expect(h.connection.receive(20_000, h.now)).toHaveLength(16 * 1024);
    h.receives({ flags: ACK, seq: 16_385, data: 1000 });
    expect(h.connection.readableBytes).toBe(1000);
  });
});

describe('the window update after the user has read', () => {
  const CAPACITY = 40_000;

  /** The peer has sent `octets`, and all of it is acknowledged with the remaining window. */
  function filled(octets: number): Harness {
    const h = new Harness({ limits: { receiveBuffer: CAPACITY } }).establish();
    for (let at = 0; at < octets; at += 1000) {
      h.receives({ flags: ACK, seq: 1 + at, data: Math.min(1000, octets - at) });
    }
    h.after(40);
    expect(h.sends().at(-1)).toMatchObject({ ack: 1 + octets, wnd: CAPACITY - octets });
    return h;
  }

  it.each([
    ['half the buffer, if much of the window is open', 20_000, 20_000],
    ['half the buffer, if just over a quarter is open', 29_999, 20_000],
    ['two segments, if a quarter of the window is open', 30_000, 2000],
    ['two segments, if one segment is open', 39_000, 2000],
    ['one segment, if less than one is open', 39_001, 1000],
    ['one segment, if the window is closed', 40_000, 1000],
  ])('is sent at once for %s (RFC 9293 3.8.6.2.2)', (_, octets, read) => {
    const h = filled(octets);
    h.connection.receive(read - 1, h.now);
    expect(h.sends()).toEqual([]);
    const other = filled(octets);
    other.connection.receive(read, other.now);
    expect(other.sends()).toMatchObject([{ ack: 1 + octets, wnd: CAPACITY - octets + read }]);
  });
});

describe('data', () => {
  it('that overlaps received data is accepted from its first new octet', () => {
    const h = new Harness().establish();
    const data = patternBytes(3000);
    h.receives({ flags: ACK, seq: 1, data: data.subarray(0, 1000) });
    h.receives({ flags: ACK, seq: 2001, data: data.subarray(2000, 3000) });
    h.receives({ flags: ACK, seq: 401, data: data.subarray(400, 2400) });
    expect(h.connection.receive(5000, h.now)).toEqual(data);
  });

  it('after the FIN is not new and uses no memory', () => {
    const h = new Harness().establish();
    h.receives({ flags: FIN | ACK, seq: 1001 });
    h.receives({ flags: ACK, seq: 1002, data: 5 });
    h.receives({ flags: ACK, seq: 2001, data: 5 });
    h.receives({ flags: ACK, seq: 1, data: 2000 });
    expect(h.stack.drops.of('tcp-memory')).toBe(0);
    expect(h.sends().at(-1)).toMatchObject({ ack: 1002 });
    expect(h.connection.receive(5000, h.now)).toHaveLength(1000);
    expect(h.connection.state).toBe('CLOSE-WAIT');
  });
});

describe('the FIN', () => {
  it('does not count as received if RCV.NXT is zero', () => {
    const receiver = new Receiver(40_000, 1000, new MemoryBudget(2 ** 20));
    receiver.synchronize(-1);
    receiver.advertise(0);
    expect(receiver.rcvNxt).toBe(0);
    expect(receiver.reachFin()).toBe(false);
    expect(receiver.rcvNxt).toBe(0);
  });

  it('is followed by no new data', () => {
    const receiver = new Receiver(40_000, 1000, new MemoryBudget(2 ** 20));
    receiver.synchronize(99);
    receiver.advertise(0);
    receiver.noteFin(102);
    const take = (sequence: number) => receiver.takeText(new Uint8Array(9), 0, 9, sequence);
    expect([102, 103, 101, 100, 100].map(take)).toEqual([
      ...['nothing-new', 'nothing-new', 'ahead', 'in-order', 'nothing-new'],
    ]);
    expect(receiver.reachFin()).toBe(true);
  });

  it('is passed once, and moves the right edge only if it is at the edge', () => {
    const receiver = new Receiver(40_000, 1000, new MemoryBudget(2 ** 20));
    receiver.synchronize(99);
    receiver.advertise(0);
    receiver.noteFin(100);
    receiver.noteFin(101);
    expect(receiver.reachFin()).toBe(true);
    expect(receiver.reachFin()).toBe(false);
    expect(receiver).toMatchObject({ rcvNxt: 101, rcvEdge: 40_100, finished: true });
  });
});

it.each([
  [65_535, 0],
  [65_536, 1],
  [131_071, 1],
  [131_072, 2],
])(
  'uses the smallest shift with which the window field holds %d: %d (RFC 7323 2.3)',
  (size, shift) => {
    expect(new Receiver(size, 1000, new MemoryBudget(0)).wantedShift).toBe(shift);
  },
);

describe('the local SACK blocks', () => {
  function ahead(syn: number[], ...starts: number[]): Harness {
    const h = new Harness().establish({ syn });
    for (const start of starts) h.receives(stamped(syn, { seq: start, data: 1000 }));
    return h;
  }

  /** With a timestamp if the connection uses them. */
  function stamped(syn: number[], seg: Omit<Seg, 'flags'>): Seg {
    const options = syn === SACK_TIMESTAMPS_SYN ? TIMESTAMPS_OPTION(2, 0) : [];
    return { flags: ACK, options, ...seg };
  }

  it.each([
    ['without timestamps', SACK_SYN],
    ['with timestamps', SACK_TIMESTAMPS_SYN],
  ])('begin with the latest and are at most three, %s (RFC 2018 4, RFC 2018 3)', (_, syn) => {
    const h = new Harness().establish({ syn });
    const told: string[][] = [];
    for (const start of [2001, 4001, 6001, 8001]) {
      h.receives(stamped(syn, { seq: start, data: 1000 }));
      told.push(...h.sends().map((sent) => h.blocks(sent)));
    }
    expect(told).toEqual([
      ['2001-3001'],
      ['4001-5001', '2001-3001'],
      ['6001-7001', '4001-5001', '2001-3001'],
      ['8001-9001', '6001-7001', '4001-5001'],
    ]);
  });

  it('are all sent after many segments arrive at once, in as many ACKs as needed (RFC 2018 4)', () => {
    const h = ahead(SACK_SYN, 2001, 4001, 6001, 8001, 10_001, 12_001, 14_001);
    const sent = h.sends();
    expect(sent).toHaveLength(3);
    const told = new Set(sent.flatMap((ack) => h.blocks(ack)));
    expect(told.size).toBe(7);
  });

  it('are sent in one ACK for a run of segments after one gap (MUST-58)', () => {
    const h = ahead(SACK_SYN, 2001, 3001, 4001, 5001);
    expect(h.sends().map((ack) => h.blocks(ack))).toEqual([['2001-6001']]);
  });

  it('are not sent to a peer that did not permit SACK (RFC 2018 2)', () => {
    const h = ahead(MSS_OPTION(1000), 2001, 4001);
    expect(h.sends().map(({ options }) => options.sackCount)).toEqual([0, 0]);
  });

  it('begin with a DSACK for a duplicate after a gap, followed by the enclosing block', () => {
    const h = ahead(SACK_SYN, 2001, 3001, 6001);
    h.sends();
    h.receives({ flags: ACK, seq: 3001, data: 1000 });
    expect(h.sends().map((ack) => h.blocks(ack))).toEqual([
      ['3001-4001', '2001-4001', '6001-7001'],
    ]);
  });

  it('begin with a DSACK for a duplicate below RCV.NXT (RFC 2883 4)', () => {
    const h = new Harness().establish({ syn: SACK_SYN });
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    h.receives({ flags: ACK, seq: 3001, data: 1000 });
    h.sends();
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    expect(h.sends().map((ack) => h.blocks(ack))).toEqual([['1-1001', '3001-4001']]);
    // A partly new segment: the DSACK reports the part that is a duplicate.
    h.receives({ flags: ACK, seq: 501, data: 1000 });
    expect(h.sends().map((ack) => [ack.ack, ...h.blocks(ack)])).toEqual([
      [1501, '501-1001', '3001-4001'],
    ]);
    h.receives({ flags: ACK, seq: 1501, data: 100 });
    expect(h.sends().map((ack) => h.blocks(ack))).toEqual([['3001-4001']]);
  });
});

describe('ACKs', () => {
  it('for small segments do not count among those', () => {
    const h = new Harness().establish();
    for (let count = 0; count < 20; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 10, data: 10 });
      h.after(40).sends();
    }
    for (let count = 0; count < 16; count++) {
      h.receives({ flags: ACK, seq: 201 + count * 1000, data: 1000 });
      expect(h.sends()).toHaveLength(1);
    }
  });

  it('are due at once when the window holds no full segment', () => {
    const h = new Harness({ limits: { receiveBuffer: 2500 } }).establish();
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    expect(h.sends()).toHaveLength(1);
    h.receives({ flags: ACK, seq: 1001, data: 500 });
    expect(h.sends()).toEqual([]);
    expect(h.stack.nextTimeout()).toBe(h.now + 40);
    h.receives({ flags: ACK, seq: 1501, data: 1 });
    expect(h.sends()).toMatchObject([{ ack: 1502, wnd: 999 }]);
  });

  it('are not due for less than two segments of the peer’s segment size', () => {
    const h = new Harness().establish();
    for (let count = 0; count < 16; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
      h.sends();
    }
    h.receives({ flags: ACK, seq: 16_001, data: 1000 });
    h.receives({ flags: ACK, seq: 17_001, data: 100 });
    expect(h.sends()).toEqual([]);
    h.receives({ flags: ACK, seq: 17_101, data: 900 });
    expect(h.sends()).toHaveLength(1);
  });

  it('are not sent for an ACK of the peer, even with a closed window', () => {
    const h = new Harness({ limits: { receiveBuffer: 1000 } }).establish();
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    expect(h.sends()).toMatchObject([{ wnd: 0 }]);
    for (let count = 0; count < 3; count++) h.receives({ flags: ACK, seq: 1001 });
    expect(h.after(1000).sends()).toEqual([]);
  });

  it('echo the timestamp of the first segment after the last ACK (RFC 7323 4.3)', () => {
    const h = new Harness().establish({ syn: SACK_TIMESTAMPS_SYN });
    for (const [seq, tsVal] of [
      [1, 10],
      [989, 30],
      [1977, 50],
    ] as const) {
      h.receives({ flags: ACK, seq, data: 988, options: TIMESTAMPS_OPTION(tsVal, 0) });
      expect(h.sends()[0]!.options.tsEcr).toBe(tsVal);
    }
  });

  it('are due at once for a segment that fills a gap, and for each one after a gap (RFC 5681 4.2)', () => {
    const h = new Harness().establish({ syn: SACK_SYN });
    for (let count = 0; count < 16; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
      h.sends();
    }
    h.receives({ flags: ACK, seq: 17_001, data: 1000 });
    expect(h.sends()).toHaveLength(1);
    h.receives({ flags: ACK, seq: 16_001, data: 500 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 16501']);
    h.receives({ flags: ACK, seq: 16_501, data: 500 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 18001']);
  });
});

describe('the window of a fast reader', () => {
  /** The number of full segments in each of `roundTrips` of 100 ms, limited by the window. */
  function reads(h: Harness, roundTrips: number): number[] {
    const windows: number[] = [];
    let next = 1;
    let edge = 1 + 60_000;
    for (let round = 0; round < roundTrips; round++) {
      for (; next + 1000 <= edge; next += 1000) {
        h.receives({ flags: ACK, seq: next, data: 1000 });
        h.connection.receive(1000, h.now);
      }
      h.after(100);
      for (const { ack, wnd } of h.sends()) edge = Math.max(edge, ack + (wnd << 8));
      windows.push(edge - next);
    }
    return windows;
  }
  const syn = [...MSS_OPTION(1000), ...SCALE_OPTION(0)];

  it('grows to the whole buffer', () => {
    const h = new Harness().establish({ syn, rtt: 100 });
    const windows = reads(h, 8);
    expect(windows.at(-1)).toBeGreaterThan(7 * 1024 * 1024);
    expect(windows.at(-1)).toBeLessThanOrEqual(8 * 1024 * 1024);
  });

  it.each([
    ['is constant while memory is short', 390, 64],
    ['grows while memory is available', 600, 160],
  ])('%s', (_, budget, window) => {
    const h = new Harness({ limits: { bufferBytes: budget * 1024 } });
    // Five connections with 64 KiB each; there is room for 64 more.
    for (let count = 0; count < 5; count++) {
      h.establish({ syn, rtt: 100 });
      h.receives({ flags: ACK, seq: 50_001, data: 1000 }).sends();
    }
    expect(h.stack.usage.bufferBytes).toBe(5 * 64 * 1024);
    let next = 1;
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 40; count++, next += 1000) {
        h.receives({ flags: ACK, seq: next, data: 1000 });
        h.connection.receive(100_000, h.now);
      }
      h.after(100).sends();
    }
    expect(h.connection.info().rcvWnd >> 10).toBe(window);
  });
});

it('keeps at most 256 ranges after gaps', () => {
  const h = new Harness().establish();
  for (let count = 0; count < 300; count++) {
    h.receives({ flags: ACK, seq: 3 + count * 2, data: 1 });
  }
  expect(h.stack.drops.of('tcp-ranges')).toBe(44);
  // One batch causes at most 64 duplicate ACKs.
  expect(h.sends()).toHaveLength(64);
});
