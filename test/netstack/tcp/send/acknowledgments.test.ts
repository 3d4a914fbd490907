import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import type { AckSample } from '../../../../src/netstack/tcp/congestion/congestion-control.js';
import { TcpOptions } from '../../../../src/netstack/tcp/open/options.js';
import { ACK, Harness, MSS_OPTION, SACK_SYN, TIMESTAMPS_OPTION } from '../../tcp-harness.js';
import { loneTcb, NOW, OUR_ISS } from '../lone-tcb.js';

/** Established, with `count` full segments of 1000 bytes just sent. */
function inFlight(count: number): Harness {
  const h = new Harness().establish();
  h.connection.send(patternBytes(count * 1000));
  expect(h.sends()).toHaveLength(count);
  return h;
}

describe('fast retransmit and recovery', () => {
  it('retransmits the first segment at the third duplicate ACK (RFC 5681 3.2, tcp_reordering)', () => {
    const h = inFlight(10);
    h.receives({ flags: ACK }).receives({ flags: ACK });
    expect(h.sendsBriefly()).toEqual([]);
    h.receives({ flags: ACK });
    expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
    expect(h.connection.info()).toMatchObject({ ssthresh: 5000, cwnd: 7000, inRecovery: true });
  });

  it('sends one new segment for each of the first two duplicates (RFC 3042, RFC 3042 2)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(20_000));
    expect(h.sends()).toHaveLength(10);
    h.receives({ flags: ACK });
    expect(h.sendsBriefly()).toEqual(['ACK 10001+1000 1']);
    h.receives({ flags: ACK });
    expect(h.sendsBriefly()).toEqual(['ACK 11001+1000 1']);
  });

  it('repairs one hole for each partial ACK (RFC 6582, RFC 6582 3.2)', () => {
    const h = inFlight(10);
    for (let count = 0; count < 3; count++) h.receives({ flags: ACK });
    h.sends();
    h.receives({ flags: ACK, ack: 3001 });
    expect(h.sendsBriefly()).toEqual(['ACK 3001+1000 1']);
    expect(h.connection.info().inRecovery).toBe(true);
    h.receives({ flags: ACK, ack: 10_001 });
    expect(h.connection.info()).toMatchObject({ inRecovery: false, cwnd: 5000, ssthresh: 5000 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it.each([
    ['data', { flags: ACK, data: 1 }],
    ['a different window', { flags: ACK, wnd: 50_000 }],
  ])('does not count an ACK with %s as a duplicate (RFC 5681 2)', (_, seg) => {
    const h = inFlight(10);
    for (let count = 0; count < 2; count++) h.receives({ flags: ACK });
    h.receives(seg);
    h.sends();
    expect(h.connection.info().inRecovery).toBe(false);
  });

  it('does not start for duplicates of data that a timeout retransmits (RFC 6582 3.2 step 1, RFC 6582 3.2)', () => {
    const h = inFlight(10);
    h.after(h.connection.info().rto);
    expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
    const { cwnd, ssthresh } = h.connection.info();
    for (let count = 0; count < 5; count++) h.receives({ flags: ACK });
    expect(h.connection.info()).toMatchObject({ cwnd, ssthresh });
  });
});

describe('the round trip', () => {
  it('takes no sample from a segment sent twice (Karn) (MUST-18, RFC 6298 3)', () => {
    const h = inFlight(1);
    const { srtt } = h.connection.info();
    h.after(200).sends();
    h.after(150).receives({ flags: ACK, ack: 1001 });
    expect(h.connection.info().srtt).toBe(srtt);
  });

  it('takes the sample from the echoed timestamp even for a segment sent twice (RFC 7323 4.1)', () => {
    const h = new Harness().establish({
      syn: [...MSS_OPTION(1000), ...TIMESTAMPS_OPTION(1, 0)],
    });
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.after(1000);
    const [again] = h.sends();
    h.after(80);
    h.receives({ flags: ACK, ack: 11, options: TIMESTAMPS_OPTION(2, again!.options.tsVal) });
    expect(h.connection.info().srtt).toBeGreaterThan(0);
    expect(h.connection.info().srtt).toBeLessThanOrEqual(80);
  });

  it('excludes the wait for the timer if the ACK echoes an earlier timestamp', () => {
    const h = new Harness().establish({
      syn: [...MSS_OPTION(1000), ...TIMESTAMPS_OPTION(1, 0)],
    });
    h.connection.send(new Uint8Array(10));
    const [first] = h.sends();
    const { srtt, rto } = h.connection.info();
    // The segment arrived, but its ACK was lost: the ACK after the timeout is for the duplicate.
    h.after(rto).sends();
    expect(h.connection.info().rto).toBe(2 * rto);
    h.receives({ flags: ACK, ack: 11, options: TIMESTAMPS_OPTION(2, first!.options.tsVal) });
    expect(h.connection.info()).toMatchObject({ srtt, rto });
  });

  it('uses the first segment that an ACK covers, not the last', () => {
    const h = new Harness().establish({ rtt: 100 });
    h.connection.send(new Uint8Array(1000));
    h.sends();
    h.after(40);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    h.after(140).receives({ flags: ACK, ack: 2001 });
    // RFC 6298 2.3: seven eighths of 100 plus one eighth of 180.
    expect(h.connection.info()).toMatchObject({ srtt: 110, minRtt: 100 });
    h.after(110);
    h.connection.send(new Uint8Array(1000));
    h.sends();
    h.after(60).receives({ flags: ACK, ack: 3001 });
    expect(h.connection.info()).toMatchObject({ srtt: 110 * (7 / 8) + 60 / 8, minRtt: 60 });
  });

  it('is not sampled if any covered segment was sent twice (MUST-18, RFC 6298 3)', () => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 100 });
    h.connection.send(new Uint8Array(10_000));
    h.sends();
    h.after(120).receives({ flags: ACK, ack: 1001, options: h.sack([2001, 10_001]) });
    const { srtt } = h.connection.info();
    expect(h.sendsBriefly()).toEqual(['ACK 1001+1000 1']);
    h.after(150).receives({ flags: ACK, ack: 10_001 });
    expect(h.connection.info()).toMatchObject({ srtt, inflight: 0 });
  });
});

describe('the window', () => {
  it('does not grow on an ACK that does not advance SND.UNA (RFC 5681 3.1)', () => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 100 });
    h.connection.send(new Uint8Array(20_000));
    expect(h.sends()).toHaveLength(10);
    h.after(100).receives({ flags: ACK, ack: 1, options: h.sack([1001, 3001]) });
    expect(h.connection.info()).toMatchObject({ inRecovery: false, cwnd: 10_000 });
    h.receives({ flags: ACK, ack: 3001 });
    expect(h.connection.info().cwnd).toBeGreaterThan(10_000);
  });

  it('is informed only of ACKs with progress', () => {
    const { tcb } = loneTcb('SYN-SENT');
    const { sender } = tcb;
    sender.acknowledgeSyn(-1, NOW);
    sender.usesSack = true;
    sender.ring.write(new Uint8Array(3000));
    sender.updateWindow(60_000, 0, sender.sndUna);
    for (let count = 0; count < 3; count++) {
      expect(sender.next.choose(NOW)).toBe(true);
      sender.sent(NOW);
    }
    const told: AckSample[] = [];
    sender.congestion.acknowledged = (sample) => void told.push({ ...sample });
    const options = new TcpOptions();
    const take = (ack: number) => {
      sender.acknowledgments.take(OUR_ISS + ack, options, false, -1, NOW + 100);
    };
    take(1);
    expect(told).toEqual([]);
    options.sackCount = 1;
    [options.sackStarts[0], options.sackEnds[0]] = [OUR_ISS + 1001, OUR_ISS + 2001];
    take(1);
    expect(told).toMatchObject([{ isCumulative: false, acknowledged: 0, newlyDelivered: 1000 }]);
    options.sackCount = 0;
    take(2001);
    expect(told.slice(1)).toMatchObject([
      { isCumulative: true, acknowledged: 2000, newlyDelivered: 1000 },
    ]);
    // An ACK may show a loss only by its arrival time.
    sender.recovery.acknowledged = () => void (sender.rate.sample.newlyLost = 1000);
    take(2001);
    expect(told.slice(2)).toMatchObject([{ acknowledged: 0, newlyDelivered: 0, newlyLost: 1000 }]);
  });
});
