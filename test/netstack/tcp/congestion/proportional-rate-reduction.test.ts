import { ProportionalRateReduction } from '../../../../src/netstack/tcp/congestion/proportional-rate-reduction.js';
import { sample, state } from './samples.js';

/** Segments of one byte, so that bytes equal segments as in the RFC's examples. */
const MSS = 1;

/**
 * The data in flight at each of `acks`, and the data sent then, if each ACK delivers one segment;
 * the first finds `lost` of `flight` lost.
 */
function trace(flight: number, lost: number, ssthresh: number, acks: number): [number[], number] {
  const prr = new ProportionalRateReduction();
  const now = state({ mss: MSS, inflight: flight - lost - 1, delivered: 1, lost });
  prr.begin(now);
  const sent: number[] = [];
  for (let ack = 0; ack < acks; ack++) {
    if (ack > 0) {
      now.delivered++;
      now.inflight--;
    }
    const priorInflight = ack > 0 ? now.inflight + 1 : flight;
    const newlyLost = ack > 0 ? 0 : lost;
    const cwnd = prr.window(sample({ newlyDelivered: 1, newlyLost, priorInflight }), now, ssthresh);
    sent.push(cwnd - now.inflight);
    now.inflight = cwnd;
  }
  return [sent, now.inflight];
}

it('sends half of the delivered data while the window is halved (RFC 9937)', () => {
  // RFC 9937 8, the first example: 20 segments, one lost, ssthresh 10.
  const [sent, inflight] = trace(20, 1, 10, 18);
  expect(sent).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1]);
  expect(inflight).toBe(10);
});

it.each([
  ['the slow start rate if ACKs show progress and no further loss', true, 0, 10, 6],
  ['the delivered amount after a further loss', true, 1, 10, 5],
  ['the delivered amount if SND.UNA does not advance', false, 0, 10, 5],
  ['at most ssthresh', true, 0, 5.5, 5.5],
])('allows %s', (_what, isCumulative, newlyLost, ssthresh, window) => {
  const prr = new ProportionalRateReduction();
  const now = state({ mss: MSS, inflight: 4, delivered: 1, lost: 15 });
  prr.begin(now);
  prr.window(sample({ newlyDelivered: 1, newlyLost: 15, priorInflight: 20 }), now, 10);
  // One segment is sent, and the next one is delivered.
  now.delivered = 2;
  const ack = sample({ isCumulative, acknowledged: 1, newlyDelivered: 1, newlyLost });
  expect(prr.window(ack, now, ssthresh)).toBe(window);
});

it('allows the first retransmission at once, and only once (RFC 9937)', () => {
  const prr = new ProportionalRateReduction();
  const now = state({ mss: 1000, inflight: 3000, delivered: 0, lost: 1000 });
  prr.begin(now);
  const timer = sample({ newlyLost: 1000, priorInflight: 4000 });
  expect(prr.window(timer, now, 2000)).toBe(4000);
  now.inflight = 4000;
  expect(prr.window(sample({ priorInflight: 4000 }), now, 2000)).toBe(4000);
});

it('counts a duplicate ACK as one segment without SACK, and not twice', () => {
  const prr = new ProportionalRateReduction();
  // Three duplicate ACKs arrive for 20 segments; the first segment is lost.
  const now = state({ mss: MSS, inflight: 16, delivered: 0, lost: 1, usesSack: false });
  prr.begin(now);
  const duplicate = sample({ newlyDelivered: 1, priorInflight: 18 });
  const sent: number[] = [];
  for (let ack = 0; ack < 8; ack++) {
    if (ack > 0) now.inflight--;
    const cwnd = prr.window(duplicate, now, 10);
    sent.push(cwnd - now.inflight);
    now.inflight = cwnd;
  }
  expect(sent).toEqual([1, 1, 0, 1, 0, 1, 0, 1]);
  // A partial ACK for ten segments, all but the first already counted by duplicates.
  now.delivered += 10;
  const partial = { isCumulative: true, acknowledged: 10, newlyDelivered: 10 };
  expect(prr.window(sample(partial), now, 10) - now.inflight).toBe(0);
});
