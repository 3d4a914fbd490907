import { PathModel } from '../../../../../src/netstack/tcp/congestion/bbr/path-model.js';
import { sample, state } from '../samples.js';

/** 1000 bytes a ms, 50 ms. */
function known(): PathModel {
  const model = new PathModel(1000, 0);
  model.sampleBandwidth(1000, false);
  model.boundBandwidth();
  model.roundTrip.update(50, 1);
  model.cwnd = 100_000;
  return model;
}

it('uses the initial window as the bandwidth-delay product until a round trip is known', () => {
  const model = new PathModel(1000, 0);
  expect(model.bdp(1000, 2)).toBe(10_000);
});

it('multiplies rate and round trip by the gain of the phase', () => {
  const model = known();
  expect(model.bdp(1000, 1)).toBe(50_000);
  expect(model.maximumInflight).toBe(100_000);
  model.phase = 'ProbeBW_UP';
  expect(model.maximumInflight).toBe(2.25 * 50_000 + 2000);
  model.phase = 'ProbeBW_CRUISE';
  model.aggregation.update(7000, 1000, 50_000, 1, 1);
  expect(model.maximumInflight).toBe(107_000);
});

it('keeps four segments in flight, and three quanta (draft-ietf-ccwg-bbr 5.5.8, draft-ietf-ccwg-bbr 5.6.4.3)', () => {
  const model = known();
  expect(model.inflight(1, 1)).toBe(4000);
  model.sendQuantum = 5000;
  expect(model.inflight(1, 1)).toBe(15_000);
});

it('uses the highest rate of this cycle and the last one', () => {
  const model = known();
  model.advanceBandwidthFilter();
  model.sampleBandwidth(800, false);
  expect(model.maximumBandwidth).toBe(1000);
  model.advanceBandwidthFilter();
  model.sampleBandwidth(700, false);
  expect(model.maximumBandwidth).toBe(800);
});

it('uses a sample that the user limited only if it is higher', () => {
  const model = known();
  model.advanceBandwidthFilter();
  model.advanceBandwidthFilter();
  model.sampleBandwidth(500, true);
  expect(model.maximumBandwidth).toBe(1000);
  model.sampleBandwidth(1500, true);
  expect(model.maximumBandwidth).toBe(1500);
});

it('leaves 15 % of the capacity to other flows', () => {
  const model = known();
  expect(model.inflightWithHeadroom).toBe(Infinity);
  model.longTermInflight = 100_000;
  expect(model.inflightWithHeadroom).toBe(85_000);
  model.longTermInflight = 6000;
  expect(model.inflightWithHeadroom).toBe(5000);
  model.longTermInflight = 4500;
  expect(model.inflightWithHeadroom).toBe(4000);
});

describe('after a round with loss', () => {
  /** A round of 100 segments of which `lost` are lost; its best delivery rate is `rate`. */
  function lossy(lost: number, rate: number): PathModel {
    const model = known();
    model.phase = 'ProbeBW_CRUISE';
    model.latest.noteLoss(state({ delivered: 0, lost: 0 }));
    model.latest.update(sample({ deliveryRate: rate, delivered: 60_000, priorDelivered: 0 }), 1);
    model.lossRoundEnded(state({ delivered: 100_000 - lost * 1000, lost: lost * 1000 }));
    model.boundBandwidth();
    return model;
  }

  it('lowers the bounds of the previous round by three tenths', () => {
    const model = lossy(10, 100);
    model.latest.reset();
    model.latest.noteLoss(state({ delivered: 100_000, lost: 10_000 }));
    model.lossRoundEnded(state({ delivered: 150_000, lost: 30_000 }));
    expect(model.shortTermBandwidth).toBeCloseTo(490, 6);
    expect(model.shortTermInflight).toBeCloseTo(49_000, 6);
  });

  it('sets no bound if it lost less', () => {
    expect(lossy(3, 100).shortTermBandwidth).toBe(Infinity);
  });

  it('sets no bound while it probes', () => {
    const model = known();
    model.phase = 'ProbeBW_UP';
    model.latest.noteLoss(state());
    model.lossRoundEnded(state({ delivered: 50_000, lost: 50_000 }));
    expect(model.shortTermBandwidth).toBe(Infinity);
  });

  it('removes the bounds before the next probe', () => {
    const model = lossy(10, 900);
    model.resetShortTerm();
    model.boundBandwidth();
    expect(model.bandwidth).toBe(1000);
  });
});

it('ignores a sample without a rate', () => {
  const model = known();
  model.advanceBandwidthFilter();
  model.advanceBandwidthFilter();
  model.sampleBandwidth(0, false);
  expect(model.maximumBandwidth).toBe(1000);
});

it('uses a sample that the user limited if it is as high', () => {
  const model = known();
  model.advanceBandwidthFilter();
  model.sampleBandwidth(1000, true);
  model.advanceBandwidthFilter();
  model.sampleBandwidth(500, false);
  expect(model.maximumBandwidth).toBe(1000);
});

it('aims at the bandwidth-delay product, limited by the window (draft-ietf-ccwg-bbr 5.3.3.8)', () => {
  const model = known();
  expect(model.targetInflight).toBe(50_000);
  model.cwnd = 30_000;
  expect(model.targetInflight).toBe(30_000);
});

it('is limited by the window if that was full', () => {
  const model = known();
  expect(model.isCwndLimited).toBe(false);
  model.validation.sample(100_000, 100_000, 1000, false);
  expect(model.isCwndLimited).toBe(true);
});
