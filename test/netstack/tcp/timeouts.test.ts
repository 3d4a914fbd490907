import { ACK, Harness, PEER_ADDRESS } from '../tcp-harness.js';

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

describe('a path that carries again', () => {
  const everywhere = () => true;

  it('gets a SYN at once that was sent again before, and the next one 4 s later', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    h.after(2000).sends();
    h.after(80).stack.retransmitNow(everywhere, h.now);
    expect(h.stack.nextTimeout()).toBe(h.now);
    expect(h.after(0).sends()).toMatchObject([{ flags: 'SYN', seq: 0 }]);
    // RFC 6298 would wait for 16 s; one step of the backoff stays, and this expiry is another.
    expect(h.after(3999).sends()).toEqual([]);
    expect(h.after(1).sends()).toMatchObject([{ flags: 'SYN', seq: 0 }]);
  });

  it('gets data at once that was sent again before', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10), h.now);
    h.sends();
    h.after(1000).sends();
    h.after(500).stack.retransmitNow(everywhere, h.now);
    expect(h.after(0).sendsBriefly()).toEqual(['PSH,ACK 1+10 1']);
  });

  it('is not sent what has never expired, or is acknowledged', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10), h.now);
    h.sends();
    h.after(100).stack.retransmitNow(everywhere, h.now);
    expect(h.after(0).sendsBriefly()).toEqual([]);
    h.after(1000).sends();
    h.after(2000).sends();
    // An ambiguous acknowledgement takes back one step of two.
    h.receives({ flags: ACK, seq: 1, ack: 11 }).sends();
    h.stack.retransmitNow(everywhere, h.now);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('is no path to others', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    const asked: Uint8Array[] = [];
    h.stack.retransmitNow((remote) => asked.push(remote) < 0, h.now);
    expect(asked).toEqual([PEER_ADDRESS]);
    expect(h.stack.nextTimeout()).toBe(h.now + 2000);
  });
});
