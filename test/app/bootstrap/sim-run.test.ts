/**
 * The table of steps only; bootstrap-authkey.test.ts and -resume.test.ts test what the steps do.
 */
import type { SimRun } from '../../../src/app/bootstrap/bootstrap-run.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { runSteps, STEPS, type StepName } from '../../../src/app/bootstrap/sim-run.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { FakeSoracom } from '../fake-soracom.js';

const names = Object.keys(STEPS) as StepName[];

/** All steps that one run can take after this one. */
function after(name: StepName, seen = new Set<StepName>()): Set<StepName> {
  for (const next of STEPS[name].next) {
    if (next === 'done' || seen.has(next)) continue;
    after(next, seen.add(next));
  }
  return seen;
}

it('never reaches createSim a second time', () => {
  expect([...after('create-sim')]).not.toContain('create-sim');
});

it.each(names)('ends after %s', (name) => {
  const last = [name, ...after(name)].filter((step) => STEPS[step].next.includes('done' as never));
  expect(last).not.toEqual([]);
  expect([...after(name)]).not.toContain(name);
});

it.each(names)('provides what each next step needs, after %s', (name) => {
  for (const next of STEPS[name].next) {
    const needed: readonly string[] = next === 'done' ? ['none'] : STEPS[next].before;
    expect(STEPS[name].after.some((line) => needed.includes(line))).toBe(true);
  }
});

it('does not end while the journal lists more to do', async () => {
  const files = new MemoryFiles();
  const config = parseArcConfig(SAMPLE, { path: 'arc.json' });
  const run = {
    options: { path: 'arc.json', stateFolder: '/state', platform: 'linux' },
    ports: { files },
    api: new FakeSoracom(),
    journal: { line: 'create-sim', progress: {} },
    existing: config,
    config,
    notes: [],
  } as unknown as SimRun;
  await expect(runSteps(run)).rejects.toThrow(
    'unexpected journal entry create-sim at step refresh-session',
  );
});

it('calls createSim, and sends a key, only after the journal entry for it', () => {
  expect(STEPS['create-sim'].before).toEqual(['create-sim']);
  expect(STEPS['renew-key'].before).toEqual(['renew-key']);
  expect(STEPS['finish-renewal'].before).toEqual(['renew-key']);
});
