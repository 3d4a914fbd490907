/** The GitHub Action against the emulator: jobs whose post part is killed. */
import { existsSync } from 'node:fs';

import { ActionLab, JOB_TIMEOUT as TIMEOUT } from '../../support/action-lab.js';
import { describeWith } from '../../support/runner/requirements.js';

const lab = new ActionLab();
beforeAll(() => lab.start(), 60_000);
afterAll(() => lab.close());
beforeEach(() => lab.startJob());
afterEach(() => lab.endJob());

/** The API calls of post. */
const OPERATIONS = ['auth', 'terminateSim', 'logout'] as const;

describeWith(['linux'], 'post is killed', () => {
  it.each(OPERATIONS)(
    'during %s: its command terminates the SIM',
    async (operation) => {
      expect(await lab.startMain().finished).toMatchObject({ code: 0 });
      const condition = await lab.delayed(operation);
      await lab.killWhen(lab.startPost(), operation, condition);
      await lab.noProcessIsLeft();
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it.each(OPERATIONS)(
    'with its command during %s: the sweep leaves no SIM',
    async (operation) => {
      expect(await lab.startMain().finished).toMatchObject({ code: 0 });
      // No one waits for the answer, because both processes are killed.
      const condition = await lab.delayed(operation, 30_000);
      await lab.killWhen(lab.startPost(), operation, condition);
      await lab.killCommand('terminate');
      await lab.emulator.clearFaults();
      expect(await lab.sweep()).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'while it waits for the bootstrap of a killed main: the sweep leaves no SIM',
    async () => {
      const condition = await lab.delayed('createSim', 10_000);
      await lab.killWhen(lab.startMain(), 'createSim', condition);
      const post = lab.startPost();
      // post prints the mask of its key, and then waits.
      await lab.killWhen(post, 'post has started', () => post.stdout.includes('::add-mask::'));
      await lab.noProcessIsLeft();
      expect(await lab.sweep()).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
      expect(existsSync(lab.inJobFolder('terminate.pid'))).toBe(false);
    },
    TIMEOUT,
  );
});
