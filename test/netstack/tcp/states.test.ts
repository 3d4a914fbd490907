/**
 * Peer behavior in each state of RFC 9293 3.3.2, in virtual time: RST, silence, a half-close, a
 * slow reader and writer, a window that shrinks, and false data.
 *
 * @mirrors dispatch.ts receiver.ts segment-arrives.ts sender.ts timeouts.ts
 */
import type { KeepAlive } from '../../../src/netstack/tcp/connection.js';
import { connectPair, NetstackPair, patternBytes } from '../../support/pairs/netstack-pair.js';
import { ACK, FIN, Harness, LIVE_STATES, RST, SACK_SYN, type Seg, STATES } from '../tcp-harness.js';

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

/** The peer is silent for this long; returns the number of segments sent meanwhile. */
function silence(h: Harness, seconds: number): number {
  let sent = 0;
  for (let second = 0; second < seconds; second++) sent += h.after(1000).sends().length;
  return sent;
}

describe('RST', () => {
  const REASONS: Record<string, string> = {
    'SYN-SENT': 'refused',
    'SYN-RECEIVED': 'refused',
    'TIME-WAIT': 'normal',
  };

  it.each(LIVE_STATES)('ends %s at once', (state) => {
    const h = make(state);
    const seq = BEHIND_FIN.has(state) ? 2 : 1;
    h.receives({ flags: RST | ACK, seq: state === 'SYN-SENT' ? 0 : seq, ack: 1 });
    expect(h.events.at(-1)).toBe(`closed:${REASONS[state] ?? 'reset'}`);
    expectGone(h);
    expect(h.sends()).toEqual([]);
  });

  it('does not end LISTEN, because it answers nothing', () => {
    const h = new Harness();
    h.listen();
    h.receives({ flags: RST, seq: 1 });
    h.receives({ flags: RST, seq: 1 });
    h.receives({ flags: RST | ACK, seq: 1, ack: 1 });
    expect(h.sends()).toEqual([]);
    expect(h.stack.usage).toMatchObject({ connections: 0, listeners: 1 });
  });

  it.each(LIVE_STATES.filter((state) => state !== 'SYN-SENT'))(
    'ends %s even with data queued, unread and in flight',
    (state) => {
      const h = make(state);
      h.connection.send(new Uint8Array(20_000));
      h.sends();
      const seq = BEHIND_FIN.has(state) ? 2 : 1;
      if (!BEHIND_FIN.has(state)) h.receives({ flags: ACK, seq: 5001, data: 100 });
      h.receives({ flags: RST, seq });
      expectGone(h);
    },
  );
});

describe('a peer that disappears', () => {
  it.each(['SYN-SENT', 'SYN-RECEIVED'])('in %s ends the attempt after 20 s', (state) => {
    const h = make(state);
    silence(h, 19);
    expect(h.events).toEqual([]);
    silence(h, 1);
    expect(h.events).toEqual(['closed:timeout']);
    expectGone(h);
  });

  it.each(['FIN-WAIT-1', 'CLOSING', 'LAST-ACK'])(
    'in %s ends the connection if the FIN is not acknowledged within the user timeout',
    (state) => {
      const h = make(state);
      silence(h, 119);
      expect(h.events.some((event) => event.startsWith('closed'))).toBe(false);
      const sent = silence(h, 60);
      expect(sent).toBeLessThan(3);
      expect(h.events.at(-1)).toBe('closed:timeout');
      expectGone(h);
    },
  );

  it('in TIME-WAIT has no effect: the connection ends after 2 MSL', () => {
    const h = make('TIME-WAIT');
    expect(h.events.at(-1)).toBe('closed:normal');
    silence(h, 59);
    expect(h.stack.usage.timeWaits).toBe(1);
    silence(h, 1);
    expectGone(h);
  });

  const KEEP_ALIVE: KeepAlive = { idle: 10_000, interval: 1000, count: 3 };

  it.each(['ESTABLISHED', 'FIN-WAIT-2', 'CLOSE-WAIT'])(
    'in %s with nothing to send is detected only by keepalive',
    (state) => {
      const h = make(state);
      expect(silence(h, 1000)).toBe(0);
      expect(h.connection.state).toBe(state);
      h.connection.setKeepAlive(KEEP_ALIVE, h.now);
      expect(silence(h, 12)).toBe(3);
      expect(h.connection.state).toBe(state);
      silence(h, 1);
      expect(h.events.at(-1)).toBe('closed:timeout');
      expectGone(h);
    },
  );
});

describe('a half-close', () => {
  it('by the local side leaves the other direction open for hours (RFC 1122 4.2.2.13)', () => {
    const h = make('FIN-WAIT-2');
    for (let hour = 0; hour < 5; hour++) {
      h.after(3_600_000).receives({ flags: ACK, seq: 1 + hour * 100, ack: 2, data: 100 });
      h.after(40);
      expect(h.sends()).toMatchObject([{ flags: 'ACK', ack: 101 + hour * 100 }]);
    }
    expect(h.connection.receive(1000, h.now)).toHaveLength(500);
    h.receives({ flags: FIN | ACK, seq: 501, ack: 2 });
    expect(h.events.at(-1)).toBe('closed:normal');
  });

  it('by the peer leaves the local direction open for hours', () => {
    const h = make('CLOSE-WAIT');
    for (let hour = 0; hour < 5; hour++) {
      h.after(3_600_000);
      expect(h.connection.send(new Uint8Array(100))).toBe(100);
      expect(h.sends()).toMatchObject([{ seq: 1 + hour * 100, len: 100 }]);
      h.receives({ flags: ACK, seq: 2, ack: 101 + hour * 100 });
    }
    h.connection.shutdown();
    h.sends();
    h.receives({ flags: ACK, seq: 2, ack: 502 });
    expect(h.events.at(-1)).toBe('closed:normal');
    expectGone(h);
  });
});

describe('a slow application', () => {
  const MEGABYTE = patternBytes(1_000_000);

  it('that reads small amounts receives everything, and slows the sender down', () => {
    const pair = new NetstackPair({ loss: 0.01, seed: 12 });
    const { client, server } = connectPair(pair);
    server.reads = false;
    client.shutdownAfterSend = true;
    client.send(MEGABYTE);
    const parts: Uint8Array[] = [];
    let held = 0;
    for (let turn = 0; turn < 2000 && !server.events.includes('remoteClosed'); turn++) {
      pair.run(50);
      held = Math.max(held, server.connection.readableBytes);
      const bytes = server.connection.receive(4000, pair.now);
      if (bytes !== undefined) parts.push(bytes);
    }
    const rest = server.connection.receive(1_000_000, pair.now);
    if (rest !== undefined) parts.push(rest);
    expect(Buffer.concat(parts).equals(MEGABYTE)).toBe(true);
    expect(held).toBeLessThanOrEqual(64 * 1024);
    expect(client.connection.info().retransmits).toBeLessThan(100);
    expect(client.events).toEqual(['established']);
  });

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

  it('with an ACK of queued but unsent data changes nothing', () => {
    const h = new Harness().establish({ wnd: 1000 });
    h.connection.send(new Uint8Array(5000));
    expect(h.sends()).toHaveLength(1);
    h.receives({ flags: ACK, ack: 2001, wnd: 1000 });
    expect(h.connection.unacknowledgedBytes).toBe(5000);
    expect(h.connection.info().unacknowledged).toBe(1000);
  });

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

  it('to zero after the local FIN does not prevent its retransmission (MUST-35)', () => {
    const h = make('ESTABLISHED');
    h.connection.send(new Uint8Array(100));
    h.sends();
    h.receives({ flags: ACK, ack: 101, wnd: 0 });
    h.connection.shutdown();
    expect(h.sends()).toEqual([]);
    expect(h.after(200).sendsBriefly()).toEqual(['FIN,ACK 101+0 1']);
    h.receives({ flags: ACK, ack: 102, wnd: 0 });
    expect(h.connection.state).toBe('FIN-WAIT-2');
  });
});
