/** The GitHub Action against the emulator: jobs whose processes are killed. */
import { existsSync, readFileSync, rmSync } from 'node:fs';

import { parse } from 'yaml';

import { ActionLab, JOB_TIMEOUT as TIMEOUT, type OperationName } from '../../support/action-lab.js';
import { ARCTUN, REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const lab = new ActionLab();
beforeAll(() => lab.start(), 60_000);
afterAll(() => lab.close());
beforeEach(() => lab.startJob());
afterEach(() => lab.endJob());

/** The script of the sweep workflow, for SIMs of any age. */
function sweepScript(): string {
  const text = readFileSync(`${REPOSITORY}deploy/github/sweep.yml`, 'utf8');
  const { jobs } = parse(text) as { jobs: { sweep: { steps: { name?: string; run?: string }[] } } };
  const script = jobs.sweep.steps.find(({ name }) => name === 'Terminate old SIMs')!.run!;
  const command = `arctun() { '${process.execPath}' '${ARCTUN}' "$@"; }\n`;
  return command + script.replace('--older-than 1d', '--older-than 0s');
}

describeWith(['linux'], 'main is killed', () => {
  const STEPS: readonly [string, () => Promise<() => boolean | Promise<boolean>>][] = [
    ['after it saved its state', () => Promise.resolve(() => lab.jobFolder !== undefined)],
    ['during putSimTags', () => lab.delayed('putSimTags')],
    // Longer than all attempts of post to finish the bootstrap, so that it must wait.
    ['during a createSim of 15 s', () => lab.delayed('createSim', 15_000)],
    ['while up starts', () => Promise.resolve(() => existsSync(lab.inJobFolder('up.pid')))],
  ];

  it.each(STEPS)(
    '%s: post leaves no SIM',
    async (what, prepare) => {
      const condition = await prepare();
      await lab.killWhen(lab.startMain(), what, condition);
      expect(await lab.runPost()).toMatchObject({ code: 0 });
      // A bootstrap that post overlooked would still create a SIM.
      await lab.noProcessIsLeft();
      expect(await lab.unterminatedSims()).toEqual([]);
      expect(lab.leftFiles).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'during createSim, and post does not know its bootstrap',
    async () => {
      await lab.killWhen(lab.startMain(), 'createSim', await lab.delayed('createSim'));
      rmSync(lab.inJobFolder('bootstrap.pid'));
      expect(await lab.runPost()).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'before its bootstrap signs in, and post does not know the bootstrap',
    async () => {
      await lab.killWhen(lab.startMain(), 'auth', await lab.delayed('auth'));
      rmSync(lab.inJobFolder('bootstrap.pid'));
      expect(await lab.runPost()).toMatchObject({ code: 0 });
      await lab.noProcessIsLeft();
      expect(await lab.unterminatedSims()).toEqual([]);
    },
    TIMEOUT,
  );
});

describeWith(['linux', 'jq'], 'main and its bootstrap are killed', () => {
  async function killBoth(operation: OperationName): Promise<void> {
    // No one waits for the answer, because both processes are killed.
    const condition = await lab.delayed(operation, 30_000);
    await lab.killWhen(lab.startMain(), operation, condition);
    await lab.killCommand('bootstrap');
  }

  it.each(['auth', 'putSimTags'] as const)(
    'during %s: post leaves no SIM',
    async (operation) => {
      await killBoth(operation);
      expect(await lab.runPost()).toMatchObject({ code: 0 });
      expect(await lab.unterminatedSims()).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'during createSim: post and the sweep report the SIM',
    async () => {
      await killBoth('createSim');
      const [sim] = await lab.newSims();
      const { code, stdout } = await lab.runPost();
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::A virtual SIM may have been created');
      expect(stdout).toContain(sim!.simId);
      // SORACOM's clock, the `Date` of a response, has a resolution of one second.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const sweep = await lab.processes.run(['bash', '-e', '-c', sweepScript()], {
        cwd: lab.folder,
        env: { ...lab.emulator.env, PATH: process.env.PATH, GITHUB_REPOSITORY: 'owner/project' },
      });
      expect(sweep.code).toBe(0);
      expect(sweep.stdout).toMatch(
        new RegExp(`^::warning::.*neither tags nor a name: .*${sim!.simId}`, 'm'),
      );
      await lab.emulator.terminate(sim!.simId);
    },
    TIMEOUT,
  );
});
