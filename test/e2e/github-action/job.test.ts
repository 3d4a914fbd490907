/** The GitHub Action against the emulator: a job from main to post. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ActionLab, JOB_TIMEOUT as TIMEOUT } from '../../support/action-lab.js';
import { describeWith } from '../../support/runner/requirements.js';

const lab = new ActionLab();
beforeAll(() => lab.start(), 60_000);
afterAll(() => lab.close());
beforeEach(() => lab.startJob());
afterEach(() => lab.endJob());

describeWith(['curl'], 'a job', () => {
  it(
    'has a SIM and a tunnel until post',
    async () => {
      const { emulator, folder } = lab;
      const main = lab.startMain({ tags: 'site=osaka\nteam=x' });
      const { code, stdout, stderr } = await main.finished;
      expect({ code, stdout, stderr }).toMatchObject({ code: 0, stderr: '' });
      const secret = emulator.env.ARCTUN_AUTH_KEY!;
      expect(stdout.split('\n')[0]).toBe(`::add-mask::${secret}`);
      expect(stdout.split(secret)).toHaveLength(2);
      const [sim] = await lab.newSims();
      expect(sim?.tags).toEqual({
        name: 'ci-123-1-test',
        'arctun-ci': 'owner/project',
        site: 'osaka',
        team: 'x',
      });

      const outputs = lab.valuesOf('GITHUB_OUTPUT');
      expect(Object.keys(outputs).sort()).toEqual(['config', 'forward-url', 'proxy-url', 'sim-id']);
      expect(outputs['sim-id']).toBe(sim?.simId);
      const { privateKey } = JSON.parse(readFileSync(outputs.config!, 'utf8')) as {
        privateKey: string;
      };
      expect(stdout).toContain(`::add-mask::${privateKey}\n`);
      const url = outputs['forward-url']!;
      expect((await fetch(url, { method: 'POST', body: '{"by":"url"}' })).status).toBe(201);

      const path = readFileSync(join(folder, 'GITHUB_PATH'), 'utf8').trim();
      const sent = await lab.processes.run(['sh', '-c', `arctun send '{"by":"command"}'`], {
        env: {
          ...lab.valuesOf('GITHUB_ENV'),
          PATH: `${path}:${process.env.PATH ?? ''}`,
          STATE_DIRECTORY: join(folder, 'state-folder'),
        },
      });
      expect(sent).toMatchObject({ code: 0 });
      const bodies = (await emulator.messages()).slice(-2).map(({ body }) => body);
      expect(bodies).toEqual(['{"by":"url"}', '{"by":"command"}']);
      expect(Object.keys(lab.valuesOf('GITHUB_ENV'))).toEqual(['ARCTUN_CONFIG']);

      const post = await lab.runPost();
      expect(post).toMatchObject({ code: 0, stderr: '' });
      expect(post.stdout.split(secret)).toHaveLength(2);
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
      await expect(fetch(url)).rejects.toThrow();
      expect(lab.leftFiles).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'can send all requests of later steps through the tunnel',
    async () => {
      expect((await lab.startMain({ 'set-proxy': 'true' }).finished).code).toBe(0);
      const env = lab.valuesOf('GITHUB_ENV');
      expect(env.HTTPS_PROXY).toBe(lab.valuesOf('GITHUB_OUTPUT')['proxy-url']);
      const script = `curl -sS -d '{"by":"proxy"}' http://uni.soracom.io/`;
      const sent = await lab.processes.run(['sh', '-c', script], { env });
      expect(sent).toMatchObject({ code: 0 });
      expect((await lab.emulator.messages()).at(-1)).toMatchObject({ body: '{"by":"proxy"}' });
      expect((await lab.runPost({ 'set-proxy': 'true' })).code).toBe(0);
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'fails without a SIM if the credentials are wrong',
    async () => {
      const inputs = { 'auth-key': 'secret-wrong' };
      const { code, stdout } = await lab.startMain(inputs).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::arctun bootstrap failed with exit code 4.');
      expect(stdout).toContain('Check the auth key');
      expect(await lab.runPost(inputs)).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toEqual([]);
    },
    TIMEOUT,
  );

  it(
    'terminates its SIM if the tunnel cannot be opened',
    async () => {
      const inputs = { 'forward-to': 'not a target' };
      const { code, stdout } = await lab.startMain(inputs).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::arctun up failed with exit code 2.');
      expect(await lab.newSims()).toMatchObject([{ status: 'active' }]);
      expect(await lab.runPost(inputs)).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'refuses a wrong input before it creates anything',
    async () => {
      const before = (await lab.emulator.calls()).length;
      const { code, stdout } = await lab.startMain({ 'set-proxy': 'yes' }).finished;
      expect(code).toBe(1);
      expect(stdout).toContain('the input set-proxy must be true or false, not "yes"');
      expect(await lab.emulator.calls()).toHaveLength(before);
      expect(await lab.runPost({ 'set-proxy': 'yes' })).toMatchObject({ code: 0 });
    },
    TIMEOUT,
  );
});

describe('post', () => {
  it(
    'tries again if SORACOM does not answer',
    async () => {
      expect((await lab.startMain().finished).code).toBe(0);
      await lab.emulator.fault({ operation: 'terminateSim', cut: 'before' });
      expect(await lab.runPost()).toMatchObject({ code: 0 });
      expect(await lab.newSims()).toMatchObject([{ status: 'terminated' }]);
    },
    TIMEOUT,
  );

  it(
    'fails, and reports the SIM, if it may not be terminated',
    async () => {
      expect((await lab.startMain().finished).code).toBe(0);
      await lab.emulator.fault({ operation: 'terminateSim', status: 403, times: 100 });
      const { code, stdout } = await lab.runPost();
      expect(code).toBe(1);
      expect(stdout).toContain('::error title=arctun::The virtual SIM of this job could not be');
      await lab.emulator.clearFaults();
      expect(await lab.runPost()).toMatchObject({ code: 0 });
    },
    TIMEOUT,
  );
});
