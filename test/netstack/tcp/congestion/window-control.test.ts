import { Cubic } from '../../../../src/netstack/tcp/congestion/cubic.js';
import { Reno } from '../../../../src/netstack/tcp/congestion/reno.js';
import { WindowControl } from '../../../../src/netstack/tcp/congestion/window-control.js';
import { cumulative, sample, state, transmission } from './samples.js';

const reno = (): WindowControl => new WindowControl(new Reno(), 1000);

/** In recovery since the first loss, with ten segments in flight: ssthresh is 5000. */
function recovering(control = reno(), now = 100): WindowControl {
  const found = state({ flightSize: 10_000, inflight: 8000, delivered: 1000, lost: 1000 });
  control.lost(transmission({ sentAt: now - 50 }), found, now);
  control.enterRecovery(found, now);
  control.acknowledged(
    sample({ newlyDelivered: 1000, newlyLost: 1000, priorInflight: 10_000 }),
    found,
    now,
  );
  return control;
}

describe('in slow start (RFC 5681 3.1)', () => {
  it('grows by the acknowledged data, at most eight segments while it is not paced (MUST-19, RFC 9406 4.3)', () => {
    const control = reno();
    control.acknowledged(cumulative(2000, 10_000), state(), 1);
    expect(control.cwnd).toBe(12_000);
    control.acknowledged(cumulative(12_000, 12_000), state(), 2);
    expect(control.cwnd).toBe(20_000);
    control.acknowledged(cumulative(20_000, 20_000), state({ srtt: 50 }), 3);
    control.acknowledged(cumulative(20_000, 28_000), state({ srtt: 50 }), 4);
    expect(control.cwnd).toBe(48_000);
  });

  it('does not grow while less than half of the window is used (RFC 7661 4.3)', () => {
    const control = reno();
    control.acknowledged(cumulative(2000, 4999), state(), 1);
    expect(control.cwnd).toBe(10_000);
    control.acknowledged(cumulative(2000, 5000), state(), 2);
    expect(control.cwnd).toBe(12_000);
  });

  it('slows down and ends if round trips lengthen (RFC 9406, RFC 9438 4.10)', () => {
    const control = reno();
    let delivered = 0;
    for (let round = 0; round < 8; round++) {
      const priorDelivered = delivered;
      for (let ack = 0; ack < 10; ack++) {
        delivered += 1000;
        const rtt = round === 0 ? 50 : 60;
        const each = { ...cumulative(1000, control.cwnd), rtt, priorDelivered };
        control.acknowledged(each, state({ delivered, srtt: 50 }), delivered);
      }
    }
    // Ten segments in round one, eight in round two, then a quarter per segment up to the sixth.
    expect(control.ssthresh).toBeGreaterThan(20_000);
    expect(control.ssthresh).toBeLessThan(40_000);
    expect(control.cwnd).toBeLessThan(control.ssthresh + 3000);
  });
});

describe('in congestion avoidance (RFC 5681 3.1)', () => {
  it('does not grow while one more segment would fit (RFC 9438 5.8, RFC 9438 4.6b)', () => {
    const control = recovering();
    control.exitRecovery(state());
    let delivered = 2000;
    for (let ack = 0; ack < 20; ack++) {
      const each = { ...cumulative(1000, 4000), priorDelivered: delivered };
      delivered += 1000;
      control.acknowledged(each, state({ delivered }), 200);
    }
    expect(control.cwnd).toBe(5000);
  });
});

describe('in fast recovery', () => {
  it('shrinks in proportion, and ends at ssthresh (RFC 9937)', () => {
    const control = recovering();
    // One tenth of ten segments is delivered: half a segment, but the first one is sent whole.
    expect(control.cwnd).toBe(9000);
    control.exitRecovery(state());
    expect(control.cwnd).toBe(5000);
  });

  it('allows one segment at once if a timer found the loss', () => {
    const control = reno();
    control.enterRecovery(state({ flightSize: 10_000, inflight: 9000, lost: 1000 }), 100);
    expect(control.cwnd).toBe(10_000);
  });

  it('reduces once for all data sent before it, and again for data sent later (RFC 5681 4.3, RFC 8985 9.3)', () => {
    const control = recovering();
    const later = state({ flightSize: 10_000, inflight: 7000, delivered: 2000, lost: 2000 });
    control.lost(transmission({ sentAt: 99, lost: 0 }), later, 150);
    expect(control.ssthresh).toBe(5000);
    // RFC 5681 4.3: a retransmission is lost.
    control.lost(transmission({ sentAt: 100, lost: 1000 }), later, 151);
    expect(control.ssthresh).toBe(2500);
    control.lost(transmission({ sentAt: 149, lost: 1000 }), later, 151);
    expect(control.ssthresh).toBe(2500);
  });

  it('distinguishes data sent in adjacent milliseconds', () => {
    const control = recovering();
    const later = state({ flightSize: 10_000, inflight: 7000, delivered: 2000, lost: 2000 });
    control.lost(transmission({ sentAt: 100, lost: 0 }), later, 150);
    expect(control.ssthresh).toBe(5000);
  });

  it('paces by the target window', () => {
    const control = recovering();
    const low = state({ srtt: 10, inflight: 1000, delivered: 8000, lost: 2000 });
    control.acknowledged(sample({ priorInflight: 1000 }), low, 150);
    expect(control.cwnd).toBeLessThan(5000);
    expect(control.pacingRate).toBeCloseTo((1.2 * 5000) / 10, 6);
  });
});

describe('after a timeout', () => {
  it('shrinks to one segment and grows by one per ACK until all losses are repaired (RFC 3465 2.3)', () => {
    const control = reno();
    control.timedOut(state({ flightSize: 10_000, inflight: 10_000 }), true, 1000);
    expect([control.cwnd, control.ssthresh]).toEqual([1000, 5000]);
    control.acknowledged(cumulative(3000, 3000), state(), 1100);
    expect(control.cwnd).toBe(2000);
    control.exitRecovery(state());
    expect(control.cwnd).toBe(2000);
    control.acknowledged(cumulative(2000, 3000), state(), 1200);
    expect(control.cwnd).toBe(4000);
  });

  it('keeps ssthresh when the same segment times out again (RFC 5681 3.1)', () => {
    const control = reno();
    control.timedOut(state({ flightSize: 10_000, inflight: 10_000 }), true, 1000);
    // Everything in flight is lost, so losses of data sent before the timeout change nothing.
    control.lost(transmission({ sentAt: 900 }), state({ flightSize: 10_000, lost: 1000 }), 1000);
    control.timedOut(state({ flightSize: 10_000, lost: 10_000 }), false, 3000);
    control.lost(transmission({ sentAt: 1000, lost: 10_000 }), state({ lost: 11_000 }), 3000);
    expect([control.cwnd, control.ssthresh]).toEqual([1000, 5000]);
  });

  it('during fast recovery reduces from the target of fast recovery', () => {
    const control = recovering();
    control.timedOut(state({ flightSize: 9000, lost: 1000 }), true, 1000);
    expect([control.cwnd, control.ssthresh]).toEqual([1000, 2500]);
    control.undo(state());
    expect([control.cwnd, control.ssthresh]).toEqual([10_000, Infinity]);
  });
});

describe('after an idle time', () => {
  /** In congestion avoidance, with a window of 40 segments. */
  function large(): WindowControl {
    const control = new WindowControl(new Reno(), 4000);
    for (let round = 0; round < 8; round++)
      control.acknowledged(cumulative(16_000, control.cwnd), state({ mss: 4000 }), round);
    return control;
  }

  it('starts with the restart window after more than an RTO (RFC 5681 4.1)', () => {
    const control = large();
    const { cwnd } = control;
    expect(cwnd).toBe(142_600);
    control.restart(state(), 300, 300, 400);
    expect(control.cwnd).toBe(cwnd);
    control.restart(state(), 301, 300, 400);
    expect([control.cwnd, control.ssthresh]).toEqual([14_600, Infinity]);
  });

  it('remembers the previous window (RFC 7661 4.4.3)', () => {
    const control = large();
    control.enterRecovery(state({ flightSize: 60_000, lost: 4000 }), 10);
    control.exitRecovery(state());
    expect([control.cwnd, control.ssthresh]).toEqual([30_000, 30_000]);
    control.restart(state(), 301, 300, 400);
    expect([control.cwnd, control.ssthresh]).toEqual([14_600, 30_000]);
  });

  it('remembers three quarters of the window if that grew beyond ssthresh', () => {
    const control = large();
    control.enterRecovery(state({ flightSize: 60_000, lost: 4000 }), 10);
    control.exitRecovery(state());
    for (let round = 0; round < 11; round++)
      control.acknowledged(cumulative(control.cwnd, control.cwnd), state(), 20);
    expect(control.cwnd).toBe(70_000);
    control.restart(state(), 301, 300, 400);
    expect([control.cwnd, control.ssthresh]).toEqual([14_600, 52_500]);
  });

  it('does not raise a smaller window', () => {
    const control = recovering();
    control.exitRecovery(state());
    control.restart(state(), 1000, 300, 2000);
    expect([control.cwnd, control.ssthresh]).toEqual([5000, 5000]);
  });
});

describe('with CUBIC', () => {
  /** In congestion avoidance at 100 segments of 1 kB, a second after a reduction. */
  function avoiding(): WindowControl {
    const control = new WindowControl(new Cubic(), 1000);
    for (let round = 0; round < 40; round++)
      control.acknowledged(cumulative(10_000, control.cwnd), state(), 0);
    control.enterRecovery(state({ flightSize: control.cwnd, lost: 1000 }), 0);
    control.exitRecovery(state());
    control.acknowledged(cumulative(1000, control.cwnd), state({ srtt: 50 }), 0);
    grow(control, 0);
    return control;
  }

  /** The growth of the window in a round trip of ACKs, one second later. */
  function grow(control: WindowControl, at: number): number {
    const before = control.cwnd;
    for (let ack = 0; ack < 20; ack++)
      control.acknowledged(cumulative(10_000, control.cwnd), state({ srtt: 50 }), at + 1000 + ack);
    return control.cwnd - before;
  }

  it('excludes idle time', () => {
    const idle = avoiding();
    idle.restart(state(), 0, 300, 61_000);
    expect(grow(idle, 61_000)).toBeCloseTo(grow(avoiding(), 1000), -3);
  });

  it('excludes time in which the window was not used', () => {
    const limited = avoiding();
    let delivered = 1000;
    for (let at = 1100; at <= 61_000; at += 100) {
      delivered += 1000;
      const each = { ...cumulative(1000, 2000), priorDelivered: delivered - 1000 };
      limited.acknowledged(each, state({ delivered, srtt: 50 }), at);
    }
    expect(grow(limited, 61_000)).toBeLessThan(1.2 * grow(avoiding(), 1000));
  });

  it('returns to its curve after a spurious recovery', () => {
    const undone = avoiding();
    undone.enterRecovery(state({ flightSize: undone.cwnd, lost: 2000 }), 1500);
    undone.undo(state({ srtt: 50 }));
    expect(grow(undone, 2000)).toBe(grow(avoiding(), 2000));
  });
});

describe('pacing', () => {
  it('is twice cwnd/srtt in slow start, and 1.2 times afterwards', () => {
    const control = reno();
    control.acknowledged(cumulative(1000, 10_000), state({ srtt: 10 }), 1);
    expect(control.pacingRate).toBeCloseTo((2 * 11_000) / 10, 6);
    expect(control.sendQuantum).toBeCloseTo(2200, 6);
    recovering(control);
    control.exitRecovery(state({ srtt: 10 }));
    expect(control.pacingRate).toBeCloseTo((1.2 * control.cwnd) / 10, 6);
  });
});
