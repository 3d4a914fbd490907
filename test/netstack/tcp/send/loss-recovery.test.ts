/**
 * Which segments are lost and when they are retransmitted, based on the peer's acknowledgments.
 *
 * @mirrors acknowledgments.ts sender.ts
 */
import { DeliveryRate } from '../../../../src/netstack/tcp/send/delivery-rate.js';
import {
  LossRecovery,
  type RecoverySubject,
} from '../../../../src/netstack/tcp/send/loss-recovery.js';
import { SentSegments } from '../../../../src/netstack/tcp/send/sent-segments.js';
import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import {
  ACK,
  Harness,
  type SackBlocks,
  SACK_SYN,
  SACK_TIMESTAMPS_SYN,
  type Sent,
  SYN,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';

const RTT = 100;

/** With SACK, a round trip of 100 ms, `count` segments just sent and `more` octets queued. */
function inFlight(count: number, more = 0): Harness {
  const h = new Harness().establish({ syn: SACK_SYN, rtt: RTT });
  h.connection.send(patternBytes(count * 1000 + more));
  expect(h.sends()).toHaveLength(count);
  return h;
}

function acknowledge(h: Harness, ack: number, ...blocks: SackBlocks): Harness {
  return h.receives({ flags: ACK, ack, options: blocks.length > 0 ? h.sack(...blocks) : [] });
}

/** The segments sent within this many ms, in order. */
function during(h: Harness, milliseconds: number): string[] {
  const sent = h.sends();
  for (let count = 0; count < milliseconds; count++) sent.push(...h.after(1).sends());
  return sent.map(({ seq, len }) => `${seq}+${len}`);
}

describe('a late segment', () => {
  it('undoes a recovery without retransmissions', () => {
    const h = inFlight(10, 5000).after(RTT);
    const { cwnd } = h.connection.info();
    acknowledge(h, 1, [1001, 5001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, ssthresh: 5000, lost: 1000 });
    // The segment arrives before the pacer, or the window, allows its retransmission.
    acknowledge(h, 5001);
    const after = h.connection.info();
    expect(after).toMatchObject({ inRecovery: false, ssthresh: Infinity, lost: 0, retransmits: 0 });
    expect(after.cwnd).toBeGreaterThanOrEqual(cwnd);
    expect(h.sends().map(({ seq }) => seq)).not.toContain(1);
  });

  it('does not undo it while a segment marked as lost is missing', () => {
    const h = inFlight(10, 5000).after(RTT);
    acknowledge(h, 1, [2001, 5001]);
    acknowledge(h, 1001, [2001, 6001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, ssthresh: 5000, lost: 1000 });
  });
});

describe('SACK recovery', () => {
  it('retransmits only missing data below three SACKed segments, the first segment at once (RFC 2018 5, RFC 6675 5, RFC 8985 9.3)', () => {
    const h = inFlight(10).after(RTT);
    acknowledge(h, 1, [2001, 3001]);
    acknowledge(h, 1, [2001, 4001]);
    expect(h.sends()).toEqual([]);
    acknowledge(h, 1, [2001, 5001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, ssthresh: 5000, lost: 2000 });
    expect(h.sendsBriefly()[0]).toBe('ACK 1+1000 1');
    acknowledge(h, 1, [2001, 8001]);
    expect(during(h, 40)).toEqual(['1001+1000']);
    acknowledge(h, 2001, [2001, 10_001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, inflight: 0, retransmits: 2 });
  });

  it('ends when all data in flight at its start is acknowledged, with the window at ssthresh (RFC 6675 5)', () => {
    const h = inFlight(10, 5000).after(RTT);
    acknowledge(h, 1, [1001, 5001]);
    expect(h.sendsBriefly()[0]).toBe('ACK 1+1000 1');
    h.after(RTT);
    acknowledge(h, 9999);
    expect(h.connection.info().inRecovery).toBe(true);
    acknowledge(h, 10_001);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, cwnd: 5000, ssthresh: 5000 });
    expect(h.connection.info().delivered).toBe(10_000);
  });

  it('sends new segments while two SACKed segments wait for the third (RFC 3042, RFC 3042 2)', () => {
    const h = inFlight(10, 9000).after(RTT);
    acknowledge(h, 1, [1001, 2001]);
    expect(h.sendsBriefly()).toEqual(['ACK 10001+1000 1']);
    acknowledge(h, 1, [1001, 3001]);
    expect(h.sendsBriefly()).toEqual(['ACK 11001+1000 1']);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, cwnd: 10_000 });
  });
});

describe('RACK', () => {
  it('tolerates segments that are late by less than a quarter of a round trip (tcp_rack)', () => {
    const h = inFlight(3).after(RTT);
    acknowledge(h, 1, [1001, 2001]);
    h.after(24);
    expect(h.sends()).toEqual([]);
    acknowledge(h, 2001);
    h.after(50);
    expect(h.sends()).toEqual([]);
    expect(h.connection.info()).toMatchObject({ reordering: true, retransmits: 0, lost: 0 });
  });

  it('retransmits, after the reordering window, data missing below only two segments', () => {
    const h = inFlight(3).after(RTT);
    acknowledge(h, 1, [1001, 2001]);
    expect(h.after(24).sends()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, lost: 1000, retransmits: 1 });
  });
});

it('sends nothing for a duplicate ACK without new information (RFC 3042 2b, RFC 5681 3.2b)', () => {
  const h = inFlight(10, 5000).after(RTT / 2);
  acknowledge(h, 1);
  acknowledge(h, 1);
  expect(h.sends()).toEqual([]);
  acknowledge(h, 1, [1001, 2001]);
  expect(h.sendsBriefly()).toEqual(['ACK 10001+1000 1']);
  acknowledge(h, 1, [1001, 2001]);
  expect(h.sends()).toEqual([]);
});

it('does not treat an old ACK’s SACK as a DSACK (RFC 2883 5)', () => {
  const h = inFlight(10).after(RTT);
  acknowledge(h, 1, [1001, 5001]);
  expect(during(h, 10)).toEqual(['1+1000']);
  acknowledge(h, 5001);
  // This ACK is older than the previous one, and its block was not a duplicate when it was sent.
  acknowledge(h, 1, [1001, 2001]);
  expect(h.connection.info()).toMatchObject({ inRecovery: true, ssthresh: 5000 });
});

it('lowers the window in proportion to the data in flight when the reordering timer found the loss (RFC 9937 6.2)', () => {
  const h = inFlight(3).after(50);
  h.connection.send(patternBytes(7000));
  expect(h.sends()).toHaveLength(7);
  h.after(50);
  acknowledge(h, 1, [2001, 3001]);
  expect(h.connection.info()).toMatchObject({ inRecovery: false, inflight: 9000 });
  expect(during(h, 25)).toEqual(['1+1000']);
  expect(h.connection.info()).toMatchObject({ inRecovery: true, ssthresh: 5000, inflight: 8000 });
  h.after(30);
  acknowledge(h, 1, [2001, 5001]);
  // RecoverFS is 9000: of the 2000 delivered since, five ninths may be sent, of which 1000 were.
  const { inflight, cwnd } = h.connection.info();
  expect(cwnd - inflight).toBe(Math.ceil((2000 * 5000) / 9000) - 1000);
});

describe('the tail loss probe', () => {
  it('is new data if available: two round trips after the last segment (RFC 8985 7.3)', () => {
    const h = inFlight(10, 5000);
    expect(h.after(2 * RTT - 1).sends()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 10001+1000 1']);
    expect(h.connection.info()).toMatchObject({ retransmits: 0, cwnd: 10_000 });
  });

  it('is sent once; then the retransmission timer runs, restarted (RFC 8985 7.3)', () => {
    const h = inFlight(3);
    const { rto } = h.connection.info();
    h.after(2 * RTT).sends();
    expect(h.after(rto - 1).sends()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
  });

  it('does not follow another before a round trip was measured (RFC 8985 7.3)', () => {
    const h = inFlight(1);
    const { rto } = h.connection.info();
    expect(h.after(rto).sendsBriefly()).toEqual(['PSH,ACK 1+1000 1']);
    expect(h.connection.info().backoff).toBe(0);
    // Both transmissions arrived; it is unknown which one the first ACK is for.
    acknowledge(h, 1001);
    acknowledge(h, 1001, [1, 1001]);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    expect(h.after(rto).sendsBriefly()).toEqual(['PSH,ACK 1001+1000 1']);
    expect(h.connection.info().backoff).toBe(1);
    acknowledge(h, 2001);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    // An unambiguous ACK is measured again.
    h.after(RTT);
    acknowledge(h, 3001);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    h.after(h.connection.info().rto);
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 3001+1000 1']);
    expect(h.connection.info().backoff).toBe(0);
  });

  it('follows another if a timestamp echo has measured a round trip (RFC 8985 7.3)', () => {
    const h = new Harness().establish({ syn: SACK_TIMESTAMPS_SYN, rtt: RTT });
    h.connection.send(new Uint8Array(900));
    h.sends();
    const [probe] = h.after(h.connection.info().rto).sends();
    const echo = TIMESTAMPS_OPTION(2, probe!.options.tsVal);
    h.after(RTT).receives({ flags: ACK, ack: 901, options: echo });
    h.receives({ flags: ACK, ack: 901, options: [...echo, ...h.sack([1, 901])] });
    h.connection.send(new Uint8Array(900));
    h.sends();
    expect(h.after(h.connection.info().rto).sendsBriefly()).toEqual(['PSH,ACK 901+900 1']);
    expect(h.connection.info().backoff).toBe(0);
  });

  it('is not sent if no round trip was ever measured (RFC 8985 7.3)', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: SACK_SYN });
    h.connection.send(patternBytes(2000));
    h.sends();
    expect(h.after(2999).sends()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
  });

  it('makes the peer report its missing data', () => {
    const h = inFlight(4).after(2 * RTT);
    expect(h.sends()).toHaveLength(1);
    h.after(RTT);
    // The first two segments are missing; the third, and the probe, have arrived.
    acknowledge(h, 1, [2001, 4001]);
    expect(during(h, 40)).toEqual(['1+1000', '1001+1000']);
    expect(h.connection.info().backoff).toBe(0);
  });

  it('lowers the window once if recovery begins with its answer (RFC 8985 7.4.1)', () => {
    const h = inFlight(10).after(2 * RTT);
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 9001+1000 1']);
    h.after(RTT);
    acknowledge(h, 1, [2001, 10_001]);
    during(h, RTT);
    acknowledge(h, 10_001);
    const { ssthresh, inRecovery } = h.connection.info();
    expect(inRecovery).toBe(false);
    h.connection.send(new Uint8Array(1000));
    during(h, RTT);
    acknowledge(h, 11_001);
    expect(h.connection.info().ssthresh).toBe(ssthresh);
  });

  it.each<[string, SackBlocks]>([
    ['another segment', [[1001, 2001]]],
    ['the segment before it', [[1, 2001]]],
  ])(
    'lowers the window after a repair even if a DSACK reports %s (RFC 8985 7.4.2)',
    (_, blocks) => {
      const h = inFlight(3).after(2 * RTT);
      h.sends();
      h.after(RTT);
      acknowledge(h, 3001);
      h.connection.send(new Uint8Array(1000));
      during(h, 10);
      // The network duplicated an early segment: a duplicate ACK, but not for the probe.
      acknowledge(h, 3001, ...blocks);
      h.after(RTT);
      acknowledge(h, 4001);
      expect(h.connection.info().ssthresh).toBeLessThan(10_000);
    },
  );

  it('is not sent to a peer without SACK, or in recovery (RFC 8985 4)', () => {
    const plain = new Harness().establish({ rtt: RTT });
    plain.connection.send(new Uint8Array(3000));
    plain.sends();
    expect(plain.after(299).sends()).toEqual([]);
    expect(plain.after(1).sendsBriefly()).toEqual(['ACK 1+1000 1']);
    const h = inFlight(10).after(RTT);
    acknowledge(h, 1, [1001, 9001]);
    expect(during(h, 250)).toEqual(['1+1000']);
  });
});

describe('a spurious recovery', () => {
  /**
   * With timestamps, which leave 988 octets of data per segment; `count` segments are in flight.
   */
  function stamped(count: number): {
    h: Harness;
    sent: Sent[];
    ack: (upTo: number, echo: Sent) => void;
  } {
    const h = new Harness().establish({ syn: SACK_TIMESTAMPS_SYN, rtt: RTT });
    h.connection.send(patternBytes(count * 988));
    const sent = h.sends();
    expect(sent).toHaveLength(count);
    let tsVal = 2;
    const ack = (upTo: number, echo: Sent): void => {
      const options = TIMESTAMPS_OPTION(tsVal++, echo.options.tsVal);
      h.receives({ flags: ACK, ack: 1 + upTo * 988, options });
    };
    return { h, sent, ack };
  }

  /** Lets the timer expire, after the tail loss probe. */
  function timeOut(h: Harness): Sent[] {
    h.after(2 * RTT).sends();
    return h.after(h.connection.info().rto).sends();
  }

  it('by the timer is undone if the echo is older than it (RFC 3522, RFC 4015, RFC 4015 3)', () => {
    const { h, sent, ack } = stamped(5);
    expect(timeOut(h)).toHaveLength(1);
    expect(h.connection.info()).toMatchObject({ cwnd: 988, inRecovery: true, backoff: 1 });
    h.after(50);
    ack(1, sent[0]!);
    expect(h.connection.info()).toMatchObject({
      inRecovery: false,
      ssthresh: Infinity,
      backoff: 0,
    });
    expect(h.connection.info().cwnd).toBeGreaterThanOrEqual(9880);
    // The other segments are in flight, not lost: none is retransmitted.
    expect(during(h, 30)).toEqual([]);
  });

  it('by the timer is kept if the echo is from the second transmission', () => {
    const { h, ack } = stamped(5);
    const [again] = timeOut(h);
    h.after(RTT);
    ack(1, again!);
    expect(h.connection.info()).toMatchObject({ inRecovery: true });
    expect(h.connection.info().ssthresh).toBeLessThan(9880);
  });

  it('by the timer is kept even if the ACK covers everything and echoes the second transmission', () => {
    const { h, sent, ack } = stamped(1);
    h.after(h.connection.info().rto).sends();
    const [again] = h.after(h.connection.info().rto).sends();
    h.after(RTT);
    ack(1, again!);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, inflight: 0 });
    expect(h.connection.info().ssthresh).toBeLessThan(9880);
    expect(sent).toHaveLength(1);
  });

  it('is judged only by the first ACK with progress', () => {
    const { h, sent, ack } = stamped(5);
    const [again] = timeOut(h);
    h.after(RTT);
    ack(1, again!);
    ack(2, sent[0]!);
    expect(h.connection.info()).toMatchObject({ inRecovery: true });
  });

  it('is not judged by a duplicate ACK, which echoes an earlier timestamp (RFC 3522 3.2)', () => {
    const { h, sent, ack } = stamped(5);
    const [again] = timeOut(h);
    h.after(10);
    ack(0, sent[4]!);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, cwnd: 988 });
    h.after(RTT);
    ack(1, again!);
    expect(h.connection.info()).toMatchObject({ inRecovery: true });
  });

  it('counts both transmissions of a segment in pipe until it is acknowledged (RFC 6675 4)', () => {
    const { h, sent, ack } = stamped(10);
    h.after(RTT);
    const options = [...TIMESTAMPS_OPTION(1, sent[0]!.options.tsVal), ...h.sack([1977, 9881])];
    h.receives({ flags: ACK, ack: 1, options });
    expect(during(h, 10)).toHaveLength(2);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, inflight: 2 * 988 });
    ack(1, sent[0]!);
    // The first segment has arrived, and two transmissions of the second are in flight.
    expect(h.connection.info()).toMatchObject({ inRecovery: false, inflight: 2 * 988 });
    ack(10, sent[0]!);
    expect(h.connection.info().inflight).toBe(0);
  });

  it('leaves no segment marked as lost, even a retransmitted one (draft-ietf-ccwg-bbr 5.5.11)', () => {
    const h = inFlight(10, 20_000).after(RTT);
    // One segment is really lost, and repaired.
    acknowledge(h, 1, [1001, 10_001]);
    during(h, RTT);
    acknowledge(h, 10_001);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, lost: 1000 });
    during(h, RTT);
    const { inflight } = h.connection.info();
    // Two segments arrive late, after they were retransmitted; DSACKs report them.
    acknowledge(h, 10_001, [12_001, 10_001 + inflight]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, lost: 3000 });
    expect(during(h, 30)).toEqual(['10001+1000', '11001+1000']);
    acknowledge(h, 11_001, [10_001, 11_001], [12_001, 10_001 + inflight]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true, lost: 3000 });
    acknowledge(h, 10_001 + inflight, [11_001, 12_001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, lost: 1000 });
  });

  it('is undone when DSACKs report all retransmissions (RFC 3708, RFC 4015 3)', () => {
    const h = inFlight(10).after(RTT);
    acknowledge(h, 1, [2001, 7001]);
    expect(during(h, 80)).toEqual(['1+1000', '1001+1000']);
    acknowledge(h, 7001, [1, 1001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: true });
    acknowledge(h, 7001, [1001, 2001]);
    expect(h.connection.info()).toMatchObject({ inRecovery: false, ssthresh: Infinity });
    expect(h.connection.info().cwnd).toBeGreaterThanOrEqual(10_000);
  });

  it('is kept if nothing was retransmitted yet, whatever a DSACK reports', () => {
    const h = inFlight(10).after(RTT);
    acknowledge(h, 1, [2001, 7001]);
    acknowledge(h, 1001, [1, 1001], [2001, 7001]);
    expect(h.connection.info().inRecovery).toBe(true);
  });
});

describe('the retransmission timer with SACK', () => {
  it('does not retransmit SACKed data (RFC 2018 5, RFC 6675 5.1)', () => {
    const h = inFlight(4);
    acknowledge(h.after(RTT), 1, [1001, 2001]);
    expect(during(h, 30)).toEqual(['1+1000']);
    const { rto } = h.connection.info();
    const sent = during(h, rto + 10);
    expect(sent).toEqual(['1+1000']);
    h.after(RTT);
    acknowledge(h, 2001);
    expect(during(h, 80)).toEqual(['2001+1000', '3001+1000']);
  });

  it('retransmits everything if the peer has discarded its data (RFC 2018 8, RFC 2018 5b)', () => {
    const h = inFlight(4).after(RTT);
    acknowledge(h, 1, [1001, 4001]);
    expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
    h.after(RTT);
    // SND.UNA is at the SACKed data, and stays there.
    acknowledge(h, 1001);
    expect(h.sends()).toEqual([]);
    const sent = during(h, h.connection.info().rto + 5);
    expect(sent).toEqual(['1001+1000']);
    h.after(RTT);
    acknowledge(h, 2001);
    expect(during(h, 80)).toEqual(['2001+1000', '3001+1000']);
    acknowledge(h, 4001);
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.connection.info()).toMatchObject({ inflight: 0, inRecovery: false });
  });

  /** The timer has expired for the first of two segments; the second was just sent. */
  function expired(): Harness {
    const h = inFlight(1);
    const { rto } = h.connection.info();
    expect(h.after(rto).sends()).toHaveLength(1);
    h.after(rto - 10);
    h.connection.send(new Uint8Array(1000));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1001+1000 1']);
    h.after(10);
    expect(h.connection.info()).toMatchObject({ backoff: 1, lost: 1000, cwnd: 1000 });
    return h;
  }

  it('retransmits the first segment whatever else is in flight', () => {
    expect(expired().sendsBriefly()).toEqual(['ACK 1+1000 1']);
  });

  it('retransmits it even if an ACK without progress arrives before the next drain', () => {
    const h = expired();
    acknowledge(h, 1);
    expect(h.sends().map(({ seq }) => seq)).toEqual([1]);
  });

  it('retransmits nothing if an ACK of the first segment arrives before the next drain', () => {
    const h = expired();
    acknowledge(h, 1001);
    expect(h.sends()).toEqual([]);
    expect(h.connection.info().inflight).toBe(1000);
  });
});

describe('a peer that divides its ACKs', () => {
  it('gains no more than with one ACK: a window grows by octets (RFC 3465 2.3)', () => {
    const whole = inFlight(10, 50_000).after(RTT);
    acknowledge(whole, 1001);
    const divided = inFlight(10, 50_000).after(RTT);
    for (let ack = 2; ack <= 1001; ack++) acknowledge(divided, ack);
    expect(divided.connection.info().cwnd).toBe(whole.connection.info().cwnd);
    expect(during(divided, 1)).toEqual(during(whole, 1));
  });
});

describe('a peer without SACK', () => {
  /** The first segment was repaired, and recovery is over; 5 more segments are in flight. */
  function repaired(): Harness {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(10_000));
    expect(h.sends()).toHaveLength(10);
    h.after(RTT);
    for (let count = 0; count < 3; count++) acknowledge(h, 1);
    expect(h.sends().map(({ seq }) => seq)).toEqual([1]);
    h.after(RTT);
    acknowledge(h, 10_001);
    expect(h.connection.info().inRecovery).toBe(false);
    h.connection.send(new Uint8Array(5000));
    during(h, 60);
    expect(h.connection.info().inflight).toBe(5000);
    return h;
  }

  it('does not start a recovery for duplicates of repaired data (RFC 6582 3.2 step 2, RFC 6582 3.2)', () => {
    const h = repaired();
    for (let count = 0; count < 4; count++) acknowledge(h, 10_001);
    expect(h.connection.info().inRecovery).toBe(false);
    expect(h.connection.info().retransmits).toBe(1);
  });

  it('has its SACKs ignored if it sends them anyway', () => {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(10_000));
    h.sends();
    h.after(RTT);
    acknowledge(h, 1, [4001, 10_001]);
    expect(h.connection.info().delivered).toBe(0);
  });

  it('cannot clock out more by duplicates than was in flight (RFC 9937 6.2)', () => {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(200_000));
    expect(h.sends()).toHaveLength(10);
    h.after(RTT);
    const sent: string[] = [];
    for (let count = 0; count < 100; count++) {
      acknowledge(h, 1);
      sent.push(...during(h, 2));
    }
    // Two by limited transmit, one retransmission, and half of the ten by proportional reduction.
    expect(sent.filter((segment) => segment !== '1+1000').length).toBeLessThanOrEqual(7);
  });

  it('causes new data to be sent for duplicates in recovery, one segment per two (RFC 6937, RFC 9937)', () => {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(40_000));
    h.sends();
    h.after(RTT);
    const sent: string[] = [];
    for (let count = 0; count < 9; count++) {
      acknowledge(h, 1);
      sent.push(...during(h, 5));
    }
    // Two by limited transmit, then half of the data that each of the six others represents, to
    // ssthresh.
    expect(sent).toEqual(['10001+1000', '11001+1000', '1+1000', '12001+1000', '13001+1000']);
    expect(h.connection.info()).toMatchObject({ inflight: 5000, cwnd: 5000, ssthresh: 5000 });
  });

  it('has losses repaired even gigabytes after the last recovery, when numbers have wrapped', () => {
    const segments = new SentSegments();
    let entered = 0;
    const sender = {
      sndUna: 1,
      sndNxt: 1,
      mss: 1000,
      usesSack: false,
      segments,
      rate: new DeliveryRate(),
      congestion: { lost: () => undefined, enterRecovery: () => entered++ },
    };
    const recovery = new LossRecovery(sender as unknown as RecoverySubject, 0);
    const report = {
      acknowledged: 1e9,
      isDuplicate: false,
      echoedAt: -1,
      dsackStart: 0,
      dsackEnd: 0,
    };
    for (let count = 0; count < 3; count++) {
      sender.sndUna = (sender.sndUna + 1e9) | 0;
      recovery.acknowledged(report, 0);
    }
    sender.sndNxt = (sender.sndUna + 4000) | 0;
    for (let at = 0; at < 4000; at += 1000) {
      segments.sent(segments.add((sender.sndUna + at) | 0, (sender.sndUna + at + 1000) | 0));
    }
    const duplicate = { ...report, acknowledged: 0, isDuplicate: true };
    for (let count = 0; count < 3; count++) recovery.acknowledged(duplicate, 0);
    expect(entered).toBe(1);
  });

  it('gets no segment a third time while the retransmission of a timeout is in flight', () => {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(8000));
    h.sends();
    expect(h.after(300).sendsBriefly()).toEqual(['ACK 1+1000 1']);
    h.after(RTT);
    acknowledge(h, 1001);
    expect(during(h, RTT)).toEqual(['1001+1000', '2001+1000']);
    acknowledge(h, 2001);
    expect(during(h, RTT)).not.toContain('2001+1000');
  });

  it('has the remaining duplicates counted as arrived after a partial ACK', () => {
    const h = new Harness().establish({ rtt: RTT });
    h.connection.send(new Uint8Array(10_000));
    h.sends();
    h.after(RTT);
    for (let count = 0; count < 7; count++) acknowledge(h, 1);
    h.sends();
    // Ten less seven; and after the ACK of two, eight less the remaining five.
    expect(h.connection.info().inflight).toBe(3000);
    acknowledge(h, 2001);
    expect(h.connection.info().inflight).toBe(2000);
    h.sends();
    expect(h.connection.info().inflight).toBe(3000);
  });
});

describe('a window that the peer shrinks', () => {
  it('holds back new data, but data in flight is still retransmitted (RFC 9293 3.8.6, MUST-34, SHLD-15, SHLD-16, tcp_window_shrink, RFC 7323 2.4c)', () => {
    const h = inFlight(10, 20_000).after(RTT);
    h.receives({ flags: ACK, ack: 1001, wnd: 2000 });
    expect(h.sends()).toEqual([]);
    h.receives({ flags: ACK, ack: 1001, wnd: 2000, options: h.sack([4001, 8001]) });
    expect(h.sendsBriefly()[0]).toBe('ACK 1001+1000 1');
    const sent = during(h, 60);
    expect(sent.every((segment) => ['2001+1000', '3001+1000'].includes(segment))).toBe(true);
    h.receives({ flags: ACK, ack: 10_001, wnd: 2000 });
    expect(during(h, RTT)).toEqual(['10001+1000', '11001+1000']);
  });

  it('to zero, with data in flight, keeps the connection as long as the peer answers (SHLD-17, MUST-35)', () => {
    const h = inFlight(3);
    const begin = h.now;
    let sent = 0;
    while (h.now - begin < 400_000) {
      h.after(500);
      for (const { len } of h.sends()) {
        if (len > 0) sent++;
        h.receives({ flags: ACK, ack: 1, wnd: 0 });
      }
    }
    expect(h.events).toEqual([]);
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(sent).toBeGreaterThan(5);
    expect(sent).toBeLessThan(30);
    h.receives({ flags: ACK, ack: 3001, wnd: 0 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
  });
});
