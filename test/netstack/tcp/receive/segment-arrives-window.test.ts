/**
 * RFC 9293 3.10.7.4, first step: segments inside the window, at its edges, and in a closed window.
 *
 * @mirrors receiver.ts
 */
import { ACK, FIN, Harness, RST, SACK_SYN, type Seg, SYN } from '../../tcp-harness.js';

const WINDOW = 4000;

/** The peer may send octets 1 to 4000. */
function established(): Harness {
  return new Harness({ limits: { receiveBuffer: WINDOW } }).establish();
}

/** The peer has filled the receive window, and its next number is 1001. */
function shut(syn?: number[]): Harness {
  const h = new Harness({ limits: { receiveBuffer: 1000 } });
  h.establish(syn === undefined ? {} : { syn });
  h.receives({ flags: ACK, seq: 1, data: 1000 });
  expect(h.sends()).toMatchObject([{ ack: 1001, wnd: 0 }]);
  h.events.length = 0;
  return h;
}

describe('the edges of the window', () => {
  it.each<[string, Seg]>([
    ['empty, at its left edge', { flags: ACK, seq: 1 }],
    ['empty, at its last octet', { flags: ACK, seq: WINDOW }],
    ['with data at its last octet', { flags: ACK, seq: WINDOW, data: 1 }],
    ['with data at its last octet and beyond', { flags: ACK, seq: WINDOW, data: 900 }],
    ['with data before it, and its first octet', { flags: ACK, seq: -899, data: 901 }],
    ['a FIN at its first octet, after old data', { flags: FIN | ACK, seq: -9, data: 10 }],
  ])('accept the ACK of a segment that is %s', (_, seg) => {
    const h = established();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.receives({ ...seg, ack: 11 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.stack.drops.of('tcp-sequence')).toBe(0);
  });

  it.each<[string, Seg]>([
    ['empty, before it', { flags: ACK, seq: 0 }],
    ['empty, at its right edge', { flags: ACK, seq: WINDOW + 1 }],
    ['with data that ends before it', { flags: ACK, seq: 0, data: 1 }],
    ['with data that ends well before it', { flags: ACK, seq: -1, data: 1 }],
    ['a FIN before it', { flags: FIN | ACK, seq: 0 }],
    ['with data at its right edge', { flags: ACK, seq: WINDOW + 1, data: 1 }],
    ['with data on both sides of it', { flags: ACK, seq: 0, data: WINDOW + 2 }],
  ])('reject a segment that is %s, but answer it', (_, seg) => {
    const h = established();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.receives({ ...seg, ack: 11 });
    expect(h.connection.unacknowledgedBytes).toBe(10);
    expect(h.connection.readableBytes).toBe(0);
    expect(h.stack.drops.of('tcp-sequence')).toBe(1);
    expect(h.sendsBriefly()).toEqual(['ACK 11+0 1']);
  });

  it.each<[string, number]>([
    ['before', 0],
    ['behind', WINDOW + 1],
  ])('ignore an RST just %s the window (RFC 5961 3.2)', (_, seq) => {
    const h = established();
    h.receives({ flags: RST, seq });
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(h.sends()).toEqual([]);
  });

  it('report data before the window as a duplicate, and data beyond it not at all (RFC 2883 4)', () => {
    const h = new Harness({ limits: { receiveBuffer: WINDOW } }).establish({ syn: SACK_SYN });
    h.receives({ flags: ACK, seq: WINDOW + 1, data: 10 });
    expect(h.sends().map((sent) => h.blocks(sent))).toEqual([[]]);
    h.receives({ flags: ACK, seq: -9, data: 10 });
    expect(h.sends().map((sent) => h.blocks(sent))).toEqual([['-9-1']]);
  });
});

describe('a closed window', () => {
  it('accepts an RST, even with data (RFC 9293 3.10.7.4, MUST-66, SHLD-2)', () => {
    for (const data of [0, 5]) {
      const h = shut();
      h.receives({ flags: RST, seq: 1001, data });
      expect(h.events).toEqual(['closed:reset']);
    }
  });

  it('does not accept an RST that is not at RCV.NXT', () => {
    for (const seq of [1000, 1002]) {
      const h = shut();
      h.receives({ flags: RST, seq, data: 5 });
      h.receives({ flags: RST, seq });
      expect(h.connection.state).toBe('ESTABLISHED');
      expect(h.sends()).toEqual([]);
    }
  });

  it.each<[string, Seg]>([
    ['text', { flags: ACK, data: 1 }],
    ['FIN', { flags: FIN | ACK }],
    ['data and FIN', { flags: FIN | ACK, data: 1 }],
  ])('accepts only the ACK and the window of %s, and answers', (_, seg) => {
    const h = shut();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.receives({ ...seg, seq: 1001, ack: 11, wnd: 7000 });
    expect(h.connection.info()).toMatchObject({ state: 'ESTABLISHED', sndWnd: 7000 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.stack.drops.of('tcp-sequence')).toBe(0);
    expect(h.sends()).toMatchObject([{ flags: 'ACK', ack: 1001, wnd: 0 }]);
    expect(h.connection.receive(5000, h.now)).toHaveLength(1000);
    expect(h.events).toEqual([]);
  });

  it.each([1000, 1002])('does not accept an ACK with data at %d, which is not RCV.NXT', (seq) => {
    const h = shut();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.receives({ flags: ACK, seq, ack: 11, data: 1 });
    expect(h.connection.unacknowledgedBytes).toBe(10);
    expect(h.stack.drops.of('tcp-sequence')).toBe(1);
    expect(h.sendsBriefly()).toEqual(['ACK 11+0 1001']);
  });

  it('does not count a window probe of the peer as a duplicate ACK (RFC 5681 2)', () => {
    const h = shut();
    h.connection.send(new Uint8Array(5000));
    h.sends();
    for (let count = 0; count < 5; count++) h.receives({ flags: ACK, seq: 1001, data: 1 });
    expect(h.connection.info()).toMatchObject({ inRecovery: false, retransmits: 0 });
    expect(h.sendsBriefly()).toEqual(['ACK 5001+0 1001']);
  });
});

describe('FIN and SYN in a closed window', () => {
  it.each([
    ['without SACK', undefined],
    ['with SACK', SACK_SYN],
  ])('a repeated FIN is not a duplicate ACK (RFC 5681 2), %s', (_, syn) => {
    const h = shut(syn);
    h.connection.send(new Uint8Array(5000));
    h.sends();
    for (let count = 0; count < 5; count++) h.receives({ flags: FIN | ACK, seq: 1001 });
    expect(h.connection.info()).toMatchObject({ inRecovery: false, retransmits: 0 });
    expect(h.connection.state).toBe('ESTABLISHED');
  });
});

it.each([
  ['in a closed window', () => shut(), 1001],
  ['before the window', () => established(), 0],
  ['beyond the window', () => established(), 0x7fff_0000],
  ['in the window', () => established(), 5],
] as const)(
  'a SYN %s is challenged within the common challenge limit (RFC 5961 4.2, 7)',
  (_, make, seq) => {
    const h = make();
    let answers = 0;
    for (let count = 0; count < 300; count++) {
      h.receives({ flags: SYN, seq });
      answers += h.sends().length;
    }
    expect(answers).toBe(100);
  },
);
