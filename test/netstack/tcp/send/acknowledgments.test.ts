import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import type { AckSample } from '../../../../src/netstack/tcp/congestion/congestion-control.js';
import { TcpOptions } from '../../../../src/netstack/tcp/open/options.js';
import { ACK, Harness } from '../../tcp-harness.js';
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
});

describe('the round trip', () => {
  it('takes no sample from a segment sent twice (Karn) (MUST-18, RFC 6298 3)', () => {
    const h = inFlight(1);
    const { srtt } = h.connection.info();
    h.after(200).sends();
    h.after(150).receives({ flags: ACK, ack: 1001 });
    expect(h.connection.info().srtt).toBe(srtt);
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
});

describe('the window', () => {
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
