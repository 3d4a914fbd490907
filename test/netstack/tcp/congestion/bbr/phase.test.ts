import {
  CWND_GAINS,
  isAccelerating,
  isProbeBandwidth,
  PACING_GAINS,
  type Phase,
} from '../../../../../src/netstack/tcp/congestion/bbr/phase.js';

it.each<[Phase, number, number]>([
  ['Startup', 2.77, 2],
  ['Drain', 0.5, 2],
  ['ProbeBW_DOWN', 0.9, 2],
  ['ProbeBW_CRUISE', 1, 2],
  ['ProbeBW_REFILL', 1, 2],
  ['ProbeBW_UP', 1.25, 2.25],
  ['ProbeRTT', 1, 0.5],
])(
  '%s has a pacing gain of %d and a window gain of %d (draft-ietf-ccwg-bbr 5.6.1)',
  (phase, pacing, cwnd) => {
    expect([PACING_GAINS[phase], CWND_GAINS[phase]]).toEqual([pacing, cwnd]);
  },
);

it('has four phases in ProbeBW, and three that accelerate (draft-ietf-ccwg-bbr 5.3.3)', () => {
  const phases = Object.keys(PACING_GAINS) as Phase[];
  expect(phases.filter(isProbeBandwidth)).toEqual([
    'ProbeBW_DOWN',
    'ProbeBW_CRUISE',
    'ProbeBW_REFILL',
    'ProbeBW_UP',
  ]);
  expect(phases.filter(isAccelerating)).toEqual(['Startup', 'ProbeBW_REFILL', 'ProbeBW_UP']);
});
