import { ACK, Harness } from '../tcp-harness.js';

const KEEP_ALIVE = { idle: 10_000, interval: 1000, count: 3 };

describe('keepalive', () => {
  it('probes an idle peer below the window and ends when nothing answers (MUST-27, SHLD-12, MUST-29)', () => {
    const h = new Harness().establish({ connect: { keepAlive: KEEP_ALIVE } });
    expect(h.after(9999).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.after(1000).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.after(1000).sendsBriefly()).toEqual(['ACK 0+0 1']);
    expect(h.events).toEqual([]);
    h.after(1000);
    expect(h.events).toEqual(['closed:timeout']);
  });

  it('waits for the whole idle time after an answer (MUST-26)', () => {
    const h = new Harness().establish({ connect: { keepAlive: KEEP_ALIVE } });
    h.after(10_000).sends();
    h.after(500).receives({ flags: ACK });
    expect(h.after(9999).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 0+0 1']);
  });

  it('is off by default, and can be turned on and off (MUST-24, MUST-25)', () => {
    const h = new Harness().establish();
    expect(h.stack.nextTimeout()).toBe(Infinity);
    h.connection.setKeepAlive(KEEP_ALIVE, h.now);
    expect(h.stack.nextTimeout()).toBe(h.now + 10_000);
    h.connection.setKeepAlive(undefined, h.now);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('leaves data in flight to its own timer (MUST-26)', () => {
    const h = new Harness().establish({ connect: { keepAlive: KEEP_ALIVE } });
    h.connection.send(new Uint8Array(10), h.now);
    h.sends();
    const seqs = new Set<number>();
    for (let second = 0; second < 30; second++) {
      h.after(1000);
      for (const { seq } of h.sends()) seqs.add(seq);
    }
    expect([...seqs]).toEqual([1]);
    expect(h.events).toEqual([]);
  });
});
