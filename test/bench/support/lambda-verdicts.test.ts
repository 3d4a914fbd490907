import {
  judgeCold,
  judgeThaw,
  judgeWarm,
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
    judgeWarm(verdicts, 'overhead', overheads(2), 'arctun');
    expect(verdicts.isGood).toBe(true);
  });

  it('may not be long in more', () => {
    judgeWarm(verdicts, 'overhead', overheads(3), 'arctun');
    expect(verdicts.isGood).toBe(false);
    expect(isMissed(/p99/)).toBe(true);
    expect(isMissed(/median/)).toBe(false);
  });

  it.each([
    ['arctun', 2],
    ['wireguard-go', 1.5],
  ])('with %s as the server, has a median of at most %d ms', (server, limit) => {
    judgeWarm(verdicts, 'overhead', Array<number>(200).fill(limit), server);
    expect(verdicts.isGood).toBe(true);
    judgeWarm(verdicts, 'overhead', Array<number>(200).fill(limit + 0.1), server);
    expect(isMissed(/median/)).toBe(true);
  });

  it('is not good if it was not measured', () => {
    judgeWarm(verdicts, 'overhead', [], 'arctun');
    expect(verdicts.isGood).toBe(false);
  });
});

describe('a cold start', () => {
  const run = { registered: 59, baseline: 20, ready: 89 };

  it.each([
    ['is compared with node -e 0 of its own', { ...run, registered: 61 }, /registration \/ node/],
    ['has a round trip and 50 ms', { ...run, ready: 91 }, /to ready/],
  ])('%s', (_name, bad, pattern) => {
    judgeCold(verdicts, 'cold', [run, run], 40);
    expect(verdicts.isGood).toBe(true);
    judgeCold(verdicts, 'cold', [bad, bad], 40);
    expect(verdicts.isGood).toBe(false);
    expect(isMissed(pattern)).toBe(true);
  });
});

it('is ready at most 150 ms after exec, including a round trip', () => {
  const run = { registered: 70, baseline: 40, ready: 80 };
  judgeCold(verdicts, 'cold', [run, run], 40);
  expect(verdicts.isGood).toBe(true);
  const slow = { ...run, ready: 81 };
  judgeCold(verdicts, 'cold', [slow, slow], 40);
  expect(isMissed(/exec to ready/)).toBe(true);
  expect(isMissed(/registration/)).toBe(false);
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
