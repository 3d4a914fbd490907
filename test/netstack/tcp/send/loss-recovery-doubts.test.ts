/**
 * Cases in which recovery could count too much as lost, or too much as arrived.
 *
 * @mirrors sender.ts
 */
import { TcpOptions } from '../../../../src/netstack/tcp/open/options.js';
import { ACK, Harness, SACK_SYN } from '../../tcp-harness.js';
import { loneTcb, NOW, OUR_ISS } from '../lone-tcb.js';

const RTT = 100;

/** A round trip of 100 ms, and `count` full segments just sent. */
function inFlight(count: number, syn?: number[]): Harness {
  const h = new Harness().establish(syn === undefined ? { rtt: RTT } : { syn, rtt: RTT });
  h.connection.send(new Uint8Array(count * 1000));
  expect(h.sends()).toHaveLength(count);
  return h;
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
});

describe('the retransmission timer', () => {
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
