import {
  judgeCold,
  judgeThaw,
  judgeWarm,
  LIMITS,
  Verdicts,
} from '../../../bench/support/lambda-verdicts.js';

let verdicts: Verdicts;
beforeEach(() => {
  verdicts = new Verdicts();
});

const isMissed = (pattern: RegExp): boolean =>
  verdicts.lines.some((line: string) => pattern.test(line) && line.endsWith('MISSED)'));

describe('the overhead of 200 invocations', () => {
  const overheads = (slow: number): number[] => [
    ...Array<number>(200 - slow).fill(1),
    ...Array<number>(slow).fill(50),
  ];

  it('may be long in one of a hundred invocations', () => {
    judgeWarm(verdicts, 'overhead', overheads(2));
    expect(verdicts.isGood).toBe(true);
  });

  it('may not be long in more', () => {
    judgeWarm(verdicts, 'overhead', overheads(3));
    expect(verdicts.isGood).toBe(false);
    expect(isMissed(/p99/)).toBe(true);
    expect(isMissed(/median/)).toBe(false);
  });

  it('is judged by the median as well', () => {
    judgeWarm(verdicts, 'overhead', Array<number>(200).fill(LIMITS.overhead.median + 0.1));
    expect(isMissed(/median/)).toBe(true);
  });

  it('is not good if it was not measured', () => {
    judgeWarm(verdicts, 'overhead', []);
    expect(verdicts.isGood).toBe(false);
  });
});

describe('a cold start', () => {
  const run = { registered: 119, baseline: 40, ready: 89 };

  it.each([
    ['is compared with node -e 0 of its own', { ...run, registered: 121 }, /registration \/ node/],
    ['has a round trip and 50 ms', { ...run, ready: 91 }, /to ready/],
  ])('%s', (_name, bad, pattern) => {
    judgeCold(verdicts, 'cold', [run, run], 40);
    expect(verdicts.isGood).toBe(true);
    judgeCold(verdicts, 'cold', [bad, bad], 40);
    expect(verdicts.isGood).toBe(false);
    expect(isMissed(pattern)).toBe(true);
  });
});

describe('after a freeze', () => {
  const run = { took: 139, handshakes: 1 };

  it('takes exactly one handshake, and at most a round trip plus 100 ms', () => {
    judgeThaw(verdicts, 'freeze', [run, run, run], 40);
    expect(verdicts.isGood).toBe(true);
  });

  it.each([
    ['it takes longer', { took: 141, handshakes: 1 }],
    ['one run has two', { took: 100, handshakes: 2 }],
    ['one run has none', { took: 100, handshakes: 0 }],
  ])('%s', (_name, bad) => {
    judgeThaw(verdicts, 'freeze', bad.took > 140 ? [bad, bad, bad] : [run, run, bad], 40);
    expect(verdicts.isGood).toBe(false);
  });
});
