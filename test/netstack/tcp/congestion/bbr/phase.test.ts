import {
  isAccelerating,
  isProbeBandwidth,
  PACING_GAINS,
  type Phase,
} from '../../../../../src/netstack/tcp/congestion/bbr/phase.js';

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
