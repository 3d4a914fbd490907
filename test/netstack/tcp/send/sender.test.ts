import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import { ACK, Harness, MSS_OPTION, SCALE_OPTION, TIMESTAMPS_OPTION } from '../../tcp-harness.js';
import { loneTcb, NOW } from '../lone-tcb.js';

/** Established, with `count` full segments of 1000 bytes just sent. */
function inFlight(count: number): Harness {
  const h = new Harness().establish();
  h.connection.send(patternBytes(count * 1000));
  expect(h.sends()).toHaveLength(count);
  return h;
}

describe('sending', () => {
  it('cuts 64 KiB into full segments in one drain, within the initial window of ten (MUST-14, SHLD-28, RFC 6928 2)', () => {
    const h = new Harness().establish();
    const data = patternBytes(65_536);
    expect(h.connection.send(data)).toBe(65_536);
    const sent = h.sends();
    expect(sent.map(({ len }) => len)).toEqual(new Array(10).fill(1000));
    expect(sent[3]).toMatchObject({ seq: 3001, flags: 'ACK', data: data.subarray(3000, 4000) });
    expect(h.connection.unacknowledgedBytes).toBe(65_536);
  });

  it('never exceeds the local MTU, timestamps included (MUST-16)', () => {
    const h = new Harness({ mtu: 600 }).establish({
      syn: [...MSS_OPTION(1460), ...TIMESTAMPS_OPTION(1, 0)],
    });
    h.connection.send(new Uint8Array(1000));
    expect(h.sends().map(({ len }) => len)).toEqual([548, 452]);
  });

  it("respects the peer's window, scaled only if both SYNs carry the option (REC-1, RFC 7323 2.2, RFC 5681 2b)", () => {
    const plain = new Harness().establish({ wnd: 2500 });
    plain.connection.send(new Uint8Array(9000));
    expect(plain.sends().map(({ len }) => len)).toEqual([1000, 1000]);

    const scaled = new Harness().establish({ syn: [...MSS_OPTION(1000), ...SCALE_OPTION(2)] });
    scaled.receives({ flags: ACK, wnd: 1000 });
    scaled.connection.send(new Uint8Array(9000));
    expect(scaled.sends()).toHaveLength(4);
  });

  it('sends small segments at once, and with Nagle only if nothing is in flight (SHLD-7, MUST-17, tcp_nagle)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10));
    h.connection.send(new Uint8Array(10));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1+20 1']);
    h.connection.send(new Uint8Array(10));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 21+10 1']);
    h.connection.setNoDelay(false);
    h.connection.send(new Uint8Array(10));
    expect(h.sendsBriefly()).toEqual([]);
    h.receives({ flags: ACK, ack: 31 });
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 31+10 1']);
  });

  it('accepts no more than the buffer and calls writable when a quarter is free', () => {
    const h = new Harness({ limits: { sendBuffer: 20_000 } }).establish();
    expect(h.connection.send(new Uint8Array(30_000))).toBe(20_000);
    expect(h.connection.writableBytes).toBe(0);
    expect(h.connection.send(new Uint8Array(1))).toBe(0);
    h.sends();
    h.receives({ flags: ACK, ack: 4001 });
    expect(h.events).toEqual([]);
    h.receives({ flags: ACK, ack: 5001 });
    expect(h.events).toEqual(['writable']);
    h.receives({ flags: ACK, ack: 6001 });
    expect(h.events).toEqual(['writable']);
    expect(h.connection.writableBytes).toBe(6000);
  });

  it('calls writable at 256 KiB free in a large buffer, so that the user refills it before it is empty', () => {
    const h = new Harness().establish({ syn: [...MSS_OPTION(1000), ...SCALE_OPTION(8)] });
    const endless = new Uint8Array(8 * 1024 * 1024);
    const acknowledge = (ack: number) => h.receives({ flags: ACK, ack, wnd: 0xffff });
    acknowledge(1);
    // Slow start until the buffer, which is two windows, has 4 MiB.
    while (h.connection.writableBytes < 4 * 1024 * 1024) {
      h.connection.send(endless.subarray(0, h.connection.info().cwnd));
      for (const { seq, len } of h.sends()) acknowledge(seq + len);
    }
    h.connection.send(endless);
    const { seq } = h.sends()[0]!;
    h.events.length = 0;
    acknowledge(seq + 200_000);
    expect(h.events).toEqual([]);
    acknowledge(seq + 263_000);
    expect(h.events).toEqual(['writable']);
  });
});

describe('the retransmission timer', () => {
  it('retransmits the oldest segment, with a window of one and a doubled timeout (RFC 6298 5.4, tcp_retransmission)', () => {
    const h = inFlight(4);
    const { rto } = h.connection.info();
    expect(rto).toBe(200);
    expect(h.after(rto - 1).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
    expect(h.connection.info()).toMatchObject({ rto: 400, cwnd: 1000, ssthresh: 2000 });
    expect(h.after(399).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
    expect(h.connection.info().ssthresh).toBe(2000);
  });

  it('does not change ssthresh when it expires again for the same segment (RFC 5681 3.1)', () => {
    const h = inFlight(10);
    h.after(200).sends();
    expect(h.connection.info()).toMatchObject({ cwnd: 1000, ssthresh: 5000 });
    h.after(400).sends();
    expect(h.connection.info()).toMatchObject({ backoff: 2, cwnd: 1000, ssthresh: 5000 });
  });

  it('restarts at each ACK and stops at the last (RFC 6298 5.1, RFC 6928 9, RFC 6298 5)', () => {
    const h = inFlight(2);
    h.after(150).receives({ flags: ACK, ack: 1001 });
    h.sends();
    expect(h.stack.nextTimeout()).toBe(h.now + h.connection.info().rto);
    h.receives({ flags: ACK, ack: 2001 });
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('gives up after the user timeout, not before (MUST-20, SHLD-11)', () => {
    const h = inFlight(1);
    let total = 0;
    while (h.events.length === 0 && total < 400) {
      h.after(1000);
      h.sends();
      total++;
    }
    expect(h.events).toEqual(['closed:timeout']);
    expect(total).toBeGreaterThanOrEqual(120);
    expect(total).toBeLessThanOrEqual(180);
    expect(h.stack.usage.connections).toBe(0);
  });
});

describe('the zero window', () => {
  it('is probed with one octet, at growing intervals, as long as the peer answers (MUST-36, MUST-37, tcp_zero_window_probe_retransmit)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(5000));
    expect(h.sendsBriefly()).toEqual([]);
    const times: number[] = [];
    const start = h.now;
    for (let tick = 0; tick < 3000; tick++) {
      h.after(100);
      for (const segment of h.sends()) {
        expect(segment).toMatchObject({ seq: 1, len: 1 });
        times.push(h.now - start);
        h.receives({ flags: ACK, ack: 1, wnd: 0 });
      }
    }
    expect(times.slice(0, 4)).toEqual([200, 600, 1400, 3000]);
    expect(h.events).toEqual([]);
    h.receives({ flags: ACK, ack: 1, wnd: 3000 });
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual([
      [1, 1000],
      [1001, 1000],
      [2001, 1000],
    ]);
  });

  it('continues after a probe that was accepted (tcp_zero_window_probe)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(500));
    h.sends();
    h.after(200).sends();
    h.receives({ flags: ACK, ack: 2, wnd: 1000 });
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 2+499 1']);
  });

  it('ends the connection if probes are unanswered for the user timeout (tcp_zero_window_probe_usertimeout)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(500));
    for (let second = 0; second < 200; second++) {
      h.after(1000);
      h.sends();
    }
    expect(h.events).toEqual(['closed:timeout']);
  });

  it('holds back a silly segment until the override timeout (MUST-38)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 100 });
    h.connection.send(patternBytes(5000));
    expect(h.sendsBriefly()).toEqual([]);
    expect(h.after(200).sendsBriefly()).toEqual(['ACK 1+100 1']);
  });
});

it('informs the congestion control only of losses that the reordering timer finds', () => {
  const { sender } = loneTcb('SYN-SENT').tcb;
  const told: number[] = [];
  sender.congestion.acknowledged = ({ newlyLost }) => void told.push(newlyLost);
  sender.reorderingTimedOut(NOW);
  expect(told).toEqual([]);
  sender.recovery.lookAgain = () => void (sender.rate.sample.newlyLost = 1000);
  sender.reorderingTimedOut(NOW);
  expect(told).toEqual([1000]);
});

it('treats a round trip of less than a millisecond as a sample, and a missing one as none', () => {
  const { sender } = loneTcb('SYN-SENT').tcb;
  sender.acknowledgeSyn(-1, NOW);
  expect(sender.minimumRtt.value).toBe(0);
  const again = loneTcb('SYN-SENT').tcb.sender;
  again.retransmits = 1;
  again.acknowledgeSyn(-1, NOW + 5);
  expect(again.minimumRtt.value).toBe(Infinity);
});

it('shrinks the window to the initial window after an idle time (RFC 5681 4.1)', () => {
  const h = new Harness().establish({ wnd: 65_535 });
  h.connection.send(new Uint8Array(30_000));
  for (let ack = 1; ack < 30_000;) {
    const sent = h.sends();
    ack = sent.at(-1)!.seq + sent.at(-1)!.len;
    h.receives({ flags: ACK, ack, wnd: 65_535 });
  }
  expect(h.connection.info().cwnd).toBeGreaterThan(20_000);
  h.after(5000);
  h.connection.send(new Uint8Array(30_000));
  expect(h.sends()).toHaveLength(10);
});
