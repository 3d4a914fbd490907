import { PathModel } from '../../../../../src/netstack/tcp/congestion/bbr/path-model.js';
import { ProbeRtt } from '../../../../../src/netstack/tcp/congestion/bbr/probe-rtt.js';
import { state } from '../samples.js';

/** 1000 bytes a ms, 50 ms: half of the bandwidth-delay product is 25 segments. */
function entered(): [ProbeRtt, PathModel] {
  const model = new PathModel(1000, 0);
  model.sampleBandwidth(1000, false);
  model.boundBandwidth();
  model.roundTrip.update(50, 1);
  const probe = new ProbeRtt(model);
  probe.enter(state({ delivered: 100_000, inflight: 60_000 }));
  return [probe, model];
}

it('aims at half of the bandwidth-delay product, and at least four segments (draft-ietf-ccwg-bbr 5.3.4)', () => {
  const [probe, model] = entered();
  expect(model.phase).toBe('ProbeRTT');
  expect(probe.cwnd).toBe(25_000);
  model.bandwidth = 10;
  expect(probe.cwnd).toBe(4000);
});

it('lasts 200 ms and one round after the data in flight is reduced (draft-ietf-ccwg-bbr 5.3.4)', () => {
  const [probe, model] = entered();
  expect(probe.update(state({ delivered: 120_000, inflight: 40_000 }), 1000)).toBe(false);
  expect(probe.isTimeOver(1000)).toBe(false);
  expect(probe.update(state({ delivered: 140_000, inflight: 25_000 }), 1010)).toBe(false);
  expect(probe.isTimeOver(1210)).toBe(false);
  expect(probe.isTimeOver(1211)).toBe(true);
  const later = state({ delivered: 160_000, inflight: 25_000 });
  model.rounds.update(139_999, 150_000);
  expect(probe.update(later, 1300)).toBe(false);
  model.rounds.update(140_000, 160_000);
  expect(probe.update(later, 1300)).toBe(true);
});

it('marks data sent meanwhile as limited by the user', () => {
  const [probe] = entered();
  expect(probe.isLimited(0)).toBe(false);
  probe.update(state({ delivered: 140_000, inflight: 25_000 }), 1010);
  expect(probe.isLimited(165_000)).toBe(true);
  expect(probe.isLimited(165_001)).toBe(false);
});
