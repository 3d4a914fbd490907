import { StartupLoss } from '../../../../../src/netstack/tcp/congestion/bbr/startup-loss.js';
import { sample, state } from '../samples.js';

/** A round of 100 segments in which `bursts` ACKs find one loss each, and `lost` are lost in all. */
function round(loss: StartupLoss, bursts: number, lost: number, isInFastRecovery = true): boolean {
  const each = sample({ newlyLost: 1000 });
  for (let burst = 1; burst < bursts; burst++) loss.isTooHigh(each, state(), false, true);
  const last = sample({ newlyLost: 1000, lost: 1000 * lost, inflight: 100_000 });
  return loss.isTooHigh(last, state(), true, isInFastRecovery);
}

it('is too high with six bursts and more than 2 % in a round of fast recovery (draft-ietf-ccwg-bbr 5.3.1.3)', () => {
  expect(round(new StartupLoss(), 6, 6)).toBe(true);
  expect(round(new StartupLoss(), 5, 6)).toBe(false);
  expect(round(new StartupLoss(), 6, 2)).toBe(false);
  expect(round(new StartupLoss(), 6, 6, false)).toBe(false);
});

it('counts ACKs that found a loss, and decides at the end of a round', () => {
  const loss = new StartupLoss();
  const none = sample({ newlyLost: 0, lost: 10_000, inflight: 100_000 });
  for (let ack = 0; ack < 10; ack++) expect(loss.isTooHigh(none, state(), false, true)).toBe(false);
  expect(loss.isTooHigh(none, state(), true, true)).toBe(false);
});

it('is too high with any loss if the peer sends no SACKs', () => {
  const loss = new StartupLoss();
  const blind = state({ usesSack: false });
  expect(loss.isTooHigh(sample({ newlyLost: 0 }), blind, true, true)).toBe(false);
  expect(loss.isTooHigh(sample({ newlyLost: 1000 }), blind, false, true)).toBe(true);
});
