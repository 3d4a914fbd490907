import { judgeFlood } from '../../../bench/support/flood-verdicts.js';

interface Figures {
  p50: number;
  p99: number;
  replaced: number;
}

const QUIET: Figures = { p50: 0.5, p99: 3, replaced: 2 };
const OURS: Figures = { p50: 0.7, p99: 6, replaced: 7.4 };
const THEIRS: Figures = { p50: 0.25, p99: 2, replaced: 20 };

function run(flooded?: Partial<Figures>, quiet: Partial<Figures> = {}) {
  return {
    quiet: { ...QUIET, ...quiet },
    ...(flooded === undefined ? {} : { flooded: { ...OURS, ...flooded } }),
  };
}

/** Returns which of the four figures are within their limits. */
function isGood(ours: unknown[], theirs: Partial<Figures> | undefined = {}): boolean[] {
  const other = { quiet: { ...QUIET, replaced: 15 }, flooded: { ...THEIRS, ...theirs } };
  return judgeFlood(ours, [other, other, other]).map(
    (verdict: { isGood: boolean }) => verdict.isGood,
  );
}

it('accepts three times the time of wireguard-go, and 5 and 10 s for a lost session', () => {
  const most = run({ p50: 0.75, p99: 6, replaced: 10 }, { replaced: 5 });
  expect(isGood([most])).toEqual([true, true, true, true]);
});

it.each([
  ['the median', run({ p50: 0.76 }), [false, true, true, true]],
  ['the 99th percentile', run({ p99: 6.1 }), [true, false, true, true]],
  ['a replacement without a flood', run({}, { replaced: 5.1 }), [true, true, false, true]],
  ['a replacement during the flood', run({ replaced: 10.1 }), [true, true, true, false]],
])('rejects more for %s', (_name, bad, expected) => {
  const good = run({});
  expect(isGood([bad, bad, good])).toEqual(expected);
  // One of three runs does not change the medians.
  expect(isGood([good, bad, good])).toEqual([true, true, true, true]);
});

it('rejects a replacement that comes later than that of wireguard-go', () => {
  expect(isGood([run({})], { replaced: 7 })).toEqual([true, true, true, false]);
});

it('rejects runs whose POSTs fail during the flood', () => {
  expect(isGood([run()])).toEqual([false, false, true, false]);
});

it('ignores a run of wireguard-go whose POSTs fail during the flood', () => {
  const quiet = { ...QUIET, replaced: 15 };
  const theirs = [{ quiet }, { quiet }, { quiet, flooded: THEIRS }];
  const verdicts = judgeFlood([run({})], theirs);
  expect(verdicts.every((verdict: { isGood: boolean }) => verdict.isGood)).toBe(true);
});

it('rejects every figure that cannot be compared', () => {
  const verdicts = judgeFlood([run({})], [{}]);
  expect(verdicts.map((verdict: { isGood: boolean }) => verdict.isGood)).toEqual(
    new Array(4).fill(false),
  );
});
