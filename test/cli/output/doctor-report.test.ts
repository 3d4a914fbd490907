import { type Check, CHECK_NAMES, failed, ok, skipped } from '../../../src/app/doctor/check.js';
import {
  doctorCode,
  doctorText,
  doctorValue,
  fleetDoctorText,
  fleetDoctorValue,
} from '../../../src/cli/output/doctor-report.js';

const PROBLEM = failed('file-access', {
  kind: 'permission',
  text: 'Other users can read arc.json.',
  cause: '2 reasons:\n  one\n  two',
  remedy: 'Run: chmod 600 arc.json',
  fix: () => Promise.resolve('done'),
});
const CHECKS: readonly Check[] = [
  ok('config', 'arc.json is valid.'),
  PROBLEM,
  skipped('sim', 'no credentials for the SORACOM API'),
];

it('shows one line for each check, then the problems, in plain text for a pipe', () => {
  expect(doctorText(CHECKS, { isTerminal: false })).toBe(`ok   configuration: arc.json is valid.
FAIL file access: Other users can read arc.json.
-    SIM and session: Skipped: no credentials for the SORACOM API.

1 problem:
  file access: Other users can read arc.json.
    Cause: 2 reasons:
      one
      two
    Remedy: Run: chmod 600 arc.json

"arctun doctor --fix" can fix this problem.
`);
});

it('names the problem that --fix can fix, if there are others', () => {
  const unfixable = { ...PROBLEM, fix: undefined };
  const last = (checks: readonly Check[]) =>
    doctorText(checks, { isTerminal: false }).trimEnd().split('\n').at(-1);
  expect(last([{ ...unfixable, name: 'config' }, PROBLEM])).toBe(
    '"arctun doctor --fix" can fix the problem with file access.',
  );
  expect(last([PROBLEM, PROBLEM])).toBe('"arctun doctor --fix" can fix these problems.');
});

it('shows symbols on a terminal', () => {
  const lines = doctorText(CHECKS, { isTerminal: true }).split('\n').slice(0, 3);
  expect(lines.map((line) => line.slice(0, 2))).toEqual(['✔ ', '✖ ', '– ']);
});

it('escapes control characters', () => {
  expect(doctorText([ok('config', 'a\u001b[2J')], { isTerminal: true })).not.toContain('\u001b');
});

it.each([
  [[ok('config', 'a.')], 'No problems found.'],
  [[skipped('sim', 'a')], 'No problems found. 1 check was skipped.'],
  [[skipped('sim', 'a'), skipped('rival', 'b')], 'No problems found. 2 checks were skipped.'],
])('says how many checks were skipped', (checks, line) => {
  expect(doctorText(checks, { isTerminal: false }).trimEnd().split('\n').at(-1)).toBe(line);
});

it('returns the results as JSON, without functions', () => {
  const { kind, text, cause, remedy } = PROBLEM;
  expect(doctorValue(CHECKS)).toEqual({
    healthy: false,
    checks: [
      CHECKS[0],
      { name: 'file-access', outcome: 'failed', text, kind, cause, remedy, fixable: true },
      CHECKS[2],
    ],
  });
  expect(doctorValue([CHECKS[0]!, CHECKS[2]!])).toMatchObject({ healthy: true });
});

it.each([
  ['configuration', 3],
  ['api', 4],
  ['tunnel', 5],
  ['permission', 6],
  ['failed', 1],
] as const)('exits with the code of the first failure: %s', (kind, code) => {
  const first = failed('keys', { ...PROBLEM, kind });
  expect(doctorCode([CHECKS[0]!, first, failed('sim', { ...PROBLEM, kind: 'usage' })])).toBe(code);
});

it('exits with 0 if checks were only skipped', () => {
  expect(doctorCode(CHECK_NAMES.map((name) => skipped(name, 'a')))).toBe(0);
});

describe('several SIMs', () => {
  const sims = [
    { sim: 'a', checks: [ok('config', 'fine')] },
    { sim: 'b', checks: CHECKS },
  ];

  it('shows only problems, under the names of the SIMs', () => {
    expect(fleetDoctorText({ ignored: [], sims })).toBe(`b:
  file access: Other users can read arc.json.
    Cause: 2 reasons:
      one
      two
    Remedy: Run: chmod 600 arc.json

1 of 2 SIMs have problems: b
`);
    expect(fleetDoctorText({ ignored: [], sims: sims.slice(0, 1) })).toBe(
      'No problems found. SIMs checked: 1.\n',
    );
  });

  it('shows the files that are ignored', () => {
    const text = 'sims/x y.json is ignored.';
    const ignored = [failed('config', { ...PROBLEM, text, cause: 'Why.', fix: undefined })];
    expect(fleetDoctorText({ ignored, sims: sims.slice(0, 1) })).toBe(`Ignored files:
  configuration: sims/x y.json is ignored.
    Cause: Why.
    Remedy: Run: chmod 600 arc.json

Ignored files: 1
The SIMs have no problems. SIMs checked: 1.
`);
    expect(fleetDoctorText({ ignored, sims }).trimEnd().split('\n').slice(-2)).toEqual([
      'Ignored files: 1',
      '1 of 2 SIMs have problems: b',
    ]);
    expect(fleetDoctorValue({ ignored, sims: sims.slice(0, 1) })).toMatchObject({
      healthy: false,
      ignored: [{ name: 'config', outcome: 'failed', text, cause: 'Why.', fixable: false }],
      sims: [{ sim: 'a', healthy: true }],
    });
  });

  it('has the checks of each SIM in JSON', () => {
    expect(fleetDoctorValue({ ignored: [], sims })).toMatchObject({
      healthy: false,
      ignored: [],
      sims: [
        { sim: 'a', healthy: true, checks: [{ name: 'config' }] },
        { sim: 'b', healthy: false, checks: [{}, { outcome: 'failed' }, {}] },
      ],
    });
  });
});
