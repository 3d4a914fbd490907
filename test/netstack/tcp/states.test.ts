/** A slow writer, a peer that sends false data, and a window that shrinks, in virtual time. */
import { connectPair, NetstackPair, patternBytes } from '../../support/pairs/netstack-pair.js';
import { ACK, FIN, Harness, SACK_SYN, type Seg, STATES } from '../tcp-harness.js';

const ALL_STATES: Record<string, () => Harness> = {
  'SYN-SENT': () => {
    const h = new Harness();
    h.connect();
    return h;
  },
  ...STATES,
};

const BEHIND_FIN = new Set(['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT']);

function make(state: string): Harness {
  const h = ALL_STATES[state]!();
  expect(h.connection.state).toBe(state);
  return h;
}

/** Expects that the stack has no state of the connection. */
function expectGone(h: Harness): void {
  expect(h.connection.state).toBe('CLOSED');
  expect(h.stack.usage).toMatchObject({ connections: 0, timeWaits: 0, bufferBytes: 0 });
  expect(h.stack.nextTimeout()).toBe(Infinity);
  expect(h.events.filter((event) => event.startsWith('closed'))).toHaveLength(1);
}

describe('a slow application', () => {
  const MEGABYTE = patternBytes(1_000_000);

  it('that writes small amounts has them sent at once, without waiting for a timer (MUST-60)', () => {
    const pair = new NetstackPair();
    const { client, server } = connectPair(pair);
    for (let turn = 0; turn < 500; turn++) {
      client.send(MEGABYTE.subarray(turn * 7, turn * 7 + 7));
      pair.run(10);
      expect(server.receivedLength).toBe((turn + 1) * 7);
      pair.run(turn % 50);
    }
    expect(Buffer.from(server.bytes).equals(MEGABYTE.subarray(0, 3500))).toBe(true);
    expect(client.connection.info()).toMatchObject({ retransmits: 0, backoff: 0 });
  });
});

describe('a peer that sends false data', () => {
  it.each(['ESTABLISHED', 'FIN-WAIT-2', 'CLOSE-WAIT', 'FIN-WAIT-1', 'CLOSING', 'LAST-ACK'])(
    'with an ACK of unsent data changes nothing in %s (tcp_unacc_seq_ack, tcp_unacc_seq_ack_closing)',
    (state) => {
      const h = make(state);
      const before = h.connection.info();
      const seq = BEHIND_FIN.has(state) ? 2 : 1;
      for (const ack of [3, 1000, 0x7fff_0000]) {
        h.receives({ flags: ACK, seq, ack, wnd: 1, data: 1 });
        expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0 }]);
      }
      expect(h.connection.info()).toEqual(before);
      expect(h.connection.readableBytes).toBe(0);
    },
  );

  it.each<[string, Seg[]]>([
    [
      'after it in one segment after the other',
      [
        { flags: FIN | ACK, seq: 11 },
        { flags: ACK, seq: 12, data: 50 },
      ],
    ],
    [
      'before the FIN arrives in order',
      [
        { flags: ACK, seq: 12, data: 50 },
        { flags: FIN | ACK, seq: 11 },
      ],
    ],
    [
      'with a second FIN after it',
      [
        { flags: FIN | ACK, seq: 11 },
        { flags: FIN | ACK, seq: 12, data: 50 },
      ],
    ],
    [
      'while the FIN waits after a gap',
      [
        { flags: FIN | ACK, seq: 6, data: 5 },
        { flags: ACK, seq: 12, data: 50 },
        { flags: FIN | ACK, seq: 6, data: 5 },
      ],
    ],
  ])('that sends data past its FIN, %s, does not have it delivered', (_, segments) => {
    const h = make('ESTABLISHED');
    const data = patternBytes(10);
    for (const [index, segment] of segments.entries()) {
      if (index === segments.length - 1) h.receives({ flags: ACK, seq: 1, data });
      h.receives(segment);
    }
    expect(h.connection.state).toBe('CLOSE-WAIT');
    expect(h.events.at(-1)).toBe('remoteClosed');
    expect(h.connection.receive(100, h.now)).toEqual(data);
    expect(h.connection.receive(100, h.now)).toBeUndefined();
    h.after(100);
    expect(h.sends().at(-1)).toMatchObject({ flags: 'ACK', ack: 12 });
    h.connection.shutdown();
    h.sends();
    h.receives({ flags: ACK, seq: 12, ack: 2 });
    expect(h.events.at(-1)).toBe('closed:normal');
    expectGone(h);
  });

  it.each([
    ['without SACK', {}],
    ['with SACK', { syn: SACK_SYN }],
  ])('that sends a FIN inside earlier data is closed at the FIN, %s', (_, options) => {
    const h = new Harness().establish(options);
    const data = patternBytes(55);
    h.receives({ flags: ACK, seq: 6, data: data.slice(5) });
    h.receives({ flags: FIN | ACK, seq: 11 });
    h.sends();
    h.receives({ flags: ACK, seq: 1, data: data.slice(0, 5) });
    expect(h.connection.receive(100, h.now)).toEqual(data.slice(0, 10));
    expect(h.connection.state).toBe('CLOSE-WAIT');
    const answer = h.sends().at(-1)!;
    expect(answer).toMatchObject({ flags: 'ACK', ack: 12 });
    expect(answer.options.sackCount).toBe(0);
  });
});

describe('a window that shrinks', () => {
  it('below the data in flight stops the sender, and all data arrives eventually (SHLD-17)', () => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 50, wnd: 8000 });
    const data = patternBytes(20_000);
    h.connection.send(data);
    const got = new Uint8Array(20_000);
    let next = 1;
    for (let turn = 0; turn < 4000 && next <= 20_000; turn++) {
      // The window grows and shrinks, even below what it offered before.
      const wnd = [8000, 300, 0, 1500, 2999][(turn >> 4) % 5]!;
      for (const { seq, len, data: text } of h.after(10).sends()) {
        const taken = Math.min(len, next + wnd - seq);
        if (seq > next || seq + taken <= next || taken <= 0) continue;
        got.set(text.subarray(0, taken), seq - 1);
        next = seq + taken;
      }
      h.receives({ flags: ACK, ack: next, wnd });
    }
    expect(next).toBe(20_001);
    expect(Buffer.from(got).equals(data)).toBe(true);
    expect(h.events).toEqual([]);
    expect(h.connection.unacknowledgedBytes).toBe(0);
  });
});
