import { ACK, Harness, MSS_OPTION, SCALE_OPTION } from '../tcp-harness.js';

describe('the advertised window', () => {
  it('is the buffer less what is held, in steps of the scale', () => {
    const h = new Harness().establish({ syn: [...MSS_OPTION(1000), ...SCALE_OPTION(0)] });
    for (let count = 0; count < 4; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
    }
    // 64 KiB at first, less 4000 bytes, in units of 256 as 8 MiB need them.
    expect(h.sends().at(-1)!.wnd).toBe((64 * 1024 - 4000) >> 8);
  });

  it('shuts and, when the user has read, opens with an update', () => {
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

  it('moves its edge by full segments only (RFC 9293 3.8.6.2.2)', () => {
    const h = new Harness({ limits: { receiveBuffer: 4000 } }).establish();
    for (let count = 0; count < 4; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
    }
    h.sends();
    h.connection.receive(500, h.now);
    // A probe brings an ACK, which still shows no silly window.
    h.receives({ flags: ACK, seq: 4001, data: 1 });
    expect(h.sends()).toMatchObject([{ ack: 4001, wnd: 0 }]);
  });

  it('takes the ACK of a segment that finds it shut', () => {
    const h = new Harness({ limits: { receiveBuffer: 1000 } }).establish();
    h.connection.send(new Uint8Array(10), h.now);
    h.sends();
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    h.receives({ flags: ACK, seq: 1001, ack: 11, data: 1 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.connection.readableBytes).toBe(1000);
    expect(h.sends().at(-1)).toMatchObject({ ack: 1001, wnd: 0 });
  });

  it('is not backed by more memory than the budget', () => {
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

it('keeps at most 256 pieces behind gaps', () => {
  const h = new Harness().establish();
  for (let count = 0; count < 300; count++) {
    h.receives({ flags: ACK, seq: 3 + count * 2, data: 1 });
  }
  expect(h.stack.drops.of('tcp-ranges')).toBe(44);
  // One batch owes 64 duplicate ACKs, no more.
  expect(h.sends()).toHaveLength(64);
});
