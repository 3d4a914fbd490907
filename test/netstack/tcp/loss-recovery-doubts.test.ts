/**
 * Cases in which recovery could count too much as lost, or too much as arrived.
 *
 * @mirrors sender.ts
 */
import { TcpOptions } from '../../../src/netstack/tcp/open/options.js';
import { ACK, Harness, SACK_SYN } from '../tcp-harness.js';
import { loneTcb, NOW, OUR_ISS } from './lone-tcb.js';

const RTT = 100;

/** A round trip of 100 ms, and `count` full segments just sent. */
function inFlight(count: number, syn?: number[]): Harness {
  const h = new Harness().establish(syn === undefined ? { rtt: RTT } : { syn, rtt: RTT });
  h.connection.send(new Uint8Array(count * 1000));
  expect(h.sends()).toHaveLength(count);
  return h;
}

/** The sequence numbers sent within this many ms, in order. */
function during(h: Harness, milliseconds: number): number[] {
  const sent = h.sends();
  for (let count = 0; count < milliseconds; count++) sent.push(...h.after(1).sends());
  return sent.map(({ seq }) => seq);
}

/** The sender of a connection with `count` full segments just sent. */
function sender(count: number) {
  const { sender } = loneTcb('SYN-SENT').tcb;
  sender.acknowledgeSyn(RTT, NOW);
  sender.setMss(1000);
  sender.updateWindow(60_000, 0, sender.sndUna);
  sender.ring.write(new Uint8Array(count * 1000));
  while (sender.next.choose(NOW)) sender.sent(NOW);
  expect(sender.segments.size).toBe(count);
  return sender;
}

describe('the first segment', () => {
  it('counts as lost once, even if an ACK covers a part of it (RFC 6582 3.2)', () => {
    const h = inFlight(10).after(RTT);
    for (let count = 0; count < 3; count++) h.receives({ flags: ACK, ack: 1 });
    expect(h.connection.info()).toMatchObject({ inRecovery: true, lost: 1000, inflight: 6000 });
    // Half of the segment arrives before the other half is retransmitted.
    h.receives({ flags: ACK, ack: 501 });
    expect(h.connection.info()).toMatchObject({ lost: 500, inflight: 7000 });
    expect(h.sendsBriefly()).toEqual(['ACK 501+500 1']);
    h.after(RTT).receives({ flags: ACK, ack: 10_001 });
    expect(h.connection.info()).toMatchObject({ inRecovery: false, inflight: 0 });
  });
});

describe('a peer without SACK', () => {
  it('does not start a recovery for data with SACK blocks, which is not a duplicate ACK (RFC 5681 2)', () => {
    const h = inFlight(10).after(RTT);
    for (let count = 0; count < 4; count++) {
      const options = h.sack([1001, 2001]);
      h.receives({ flags: ACK, seq: 1 + count, ack: 1, data: 1, options });
    }
    expect(h.connection.info()).toMatchObject({ inRecovery: false, inflight: 10_000 });
  });

  it('gets no segment a third time if the timer ends a fast recovery (RFC 6582 3.2, step 4)', () => {
    const h = inFlight(8).after(RTT);
    for (let count = 0; count < 3; count++) h.receives({ flags: ACK, ack: 1 });
    expect(during(h, 0)).toEqual([1]);
    during(h, h.connection.info().rto);
    expect(h.connection.info()).toMatchObject({ backoff: 1, cwnd: 1000 });
    h.after(RTT).receives({ flags: ACK, ack: 1001 });
    expect(during(h, RTT)).toEqual([1001, 2001]);
    h.receives({ flags: ACK, ack: 2001 });
    expect(during(h, RTT)).not.toContain(2001);
  });
});

describe('the retransmission timer', () => {
  it('does not mark SACKed segments as lost (RFC 6675 5.1)', () => {
    const h = inFlight(6, SACK_SYN).after(RTT);
    h.receives({ flags: ACK, ack: 1, options: h.sack([2001, 4001]) });
    during(h, 2 * RTT + h.connection.info().rto);
    expect(h.connection.info().backoff).toBe(1);
    // The ACK no longer reports the SACK blocks.
    h.after(RTT).receives({ flags: ACK, ack: 1001 });
    const sent = during(h, RTT);
    expect(sent).toContain(1001);
    expect(sent).not.toContain(2001);
    expect(sent).not.toContain(3001);
  });

  it('is not reported to the congestion control as fast recovery', () => {
    const sending = sender(4);
    const told: string[] = [];
    sending.congestion.enterRecovery = () => void told.push('recovery');
    sending.congestion.timedOut = (_, isFirst) => void told.push(`timeout ${isFirst}`);
    sending.timedOut(NOW + 300);
    sending.timedOut(NOW + 900);
    expect(told).toEqual(['timeout true', 'timeout false']);
    expect(sending.isRecovering).toBe(true);
    expect(sending.hasWork).toBe(true);
  });
});

describe('the tail loss probe', () => {
  /** The last of three segments was sent again as a probe, and all are acknowledged. */
  function probed(): Harness {
    const h = inFlight(3, SACK_SYN);
    expect(h.after(2 * RTT).sendsBriefly()).toEqual(['PSH,ACK 2001+1000 1']);
    h.after(RTT).receives({ flags: ACK, ack: 3001 });
    h.connection.send(new Uint8Array(1000));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 3001+1000 1']);
    return h;
  }

  it('shows a loss if data after it is acknowledged and it arrived once (RFC 8985 7.4.2)', () => {
    const h = probed();
    h.after(RTT).receives({ flags: ACK, ack: 4001 });
    expect(h.connection.info().ssthresh).toBeLessThan(10_000);
  });

  it('shows no loss if a duplicate ACK without blocks reports its second arrival (RFC 8985 7.4.2)', () => {
    const h = probed();
    h.receives({ flags: ACK, ack: 3001 });
    h.after(RTT).receives({ flags: ACK, ack: 4001 });
    expect(h.connection.info().ssthresh).toBe(Infinity);
  });
});

describe('a segment too large for the path', () => {
  it('is retransmitted, and counts as neither lost nor recovered if it arrives after all', () => {
    const sending = sender(4);
    sending.sendAgain();
    expect(sending).toMatchObject({ inflight: 0, lost: 0, hasWork: true, isRecovering: false });
    const take = (segAck: number): void => {
      sending.acknowledgments.take(segAck, new TcpOptions(), false, -1, NOW + RTT);
    };
    take(OUR_ISS + 2001);
    expect(sending).toMatchObject({ inflight: 0, lost: 0, delivered: 2000 });
    sending.setMss(400);
    for (let at = NOW + RTT; sending.hasWork; at++) if (sending.next.choose(at)) sending.sent(at);
    expect(sending).toMatchObject({ inflight: 2000, retransmits: 6, hasWork: false });
    take(OUR_ISS + 4001);
    expect(sending).toMatchObject({ inflight: 0, lost: 0, delivered: 4000 });
  });
});

describe('an application that limits the rate', () => {
  it('is detected while the window has room, but not if data is lost or unsent', () => {
    const sending = sender(4);
    sending.noteUserLimit();
    expect(sending.isAppLimited).toBe(true);
    const unsent = sender(4);
    unsent.ring.write(new Uint8Array(1000));
    unsent.noteUserLimit();
    expect(unsent.isAppLimited).toBe(false);
    const lossy = sender(4);
    lossy.segments.lose(lossy.segments.head!);
    lossy.noteUserLimit();
    expect(lossy.isAppLimited).toBe(false);
    const full = sender(10);
    expect(full.inflight).toBe(full.congestion.cwnd);
    full.noteUserLimit();
    expect(full.isAppLimited).toBe(false);
  });

  it('restarts after an idle RTO, but not while data is in flight (RFC 5681 4.1)', () => {
    const told: number[] = [];
    const sending = sender(4);
    sending.congestion.restart = (_, idle) => void told.push(idle);
    sending.noteIdle(NOW + 5000);
    expect(told).toEqual([]);
    sending.acknowledgments.take(sending.sndNxt, new TcpOptions(), false, -1, NOW + RTT);
    sending.noteIdle(NOW + 5000);
    expect(told).toEqual([5000]);
    const fresh = sender(0);
    fresh.congestion.restart = (_, idle) => void told.push(idle);
    fresh.noteIdle(NOW);
    expect(told).toEqual([5000, 0]);
    expect(fresh.hasWork).toBe(false);
  });
});
