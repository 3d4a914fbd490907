import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parse } from 'yaml';

import { JobFolder } from '../../src/action/job-folder.js';
import { Runner } from '../../src/action/runner.js';
import {
  commandEnvironment,
  maskCredentials,
  readSettings,
  saveProxies,
} from '../../src/action/settings.js';

let folder: JobFolder;
beforeEach(() => {
  folder = new JobFolder(mkdtempSync(join(tmpdir(), 'arctun-settings-')));
});
afterEach(() => folder.remove());

const runner = (env: Record<string, string>) => new Runner(env, () => undefined);

it('give the SIM a name and the tag by which the sweep finds it', () => {
  const env = { GITHUB_REPOSITORY: 'o/p', GITHUB_RUN_ID: '7', GITHUB_RUN_ATTEMPT: '2' };
  expect(readSettings(runner({ ...env, GITHUB_JOB: 'test' })).labels).toEqual([
    '--name=ci-7-2-test',
    '--tag=arctun-ci=o/p',
  ]);
});

it('pass every input on', () => {
  const settings = readSettings(
    runner({
      INPUT_NAME: 'n',
      INPUT_TAGS: ' a=b \n\nc=d',
      INPUT_GROUP: 'g',
      'INPUT_FORWARD-TO': '1.2.3.4\n8081=5.6.7.8',
      INPUT_WAIT: '5',
      'INPUT_SET-PROXY': 'true',
    }),
  );
  expect(settings).toEqual({
    labels: ['--name=n', '--tag=arctun-ci=job', '--tag=a=b', '--tag=c=d', '--group=g'],
    up: ['--forward-to=1.2.3.4', '--forward-to=8081=5.6.7.8', '--wait=5'],
    setProxy: true,
  });
});

it('exist for exactly the inputs of action.yml', () => {
  const { inputs } = parse(readFileSync(new URL('../../action.yml', import.meta.url), 'utf8')) as {
    inputs: object;
  };
  const asked = new Set<string>();
  const listening = new (class extends Runner {
    override input(name: string): string | undefined {
      asked.add(name);
      return undefined;
    }
  })({}, () => undefined);
  readSettings(listening);
  commandEnvironment(listening, folder);
  expect([...asked].sort()).toEqual(Object.keys(inputs).sort());
});

describe('the environment of arctun', () => {
  it('has the credentials, but no inputs and no state', () => {
    const env = {
      ...{ PATH: '/bin', 'INPUT_AUTH-KEY': 'secret-1', STATE_folder: '/x' },
      ...{ ARCTUN_AUTH_KEY: 'secret-2', ARCTUN_COVERAGE_TYPE: 'jp' },
    };
    expect(commandEnvironment(runner(env), folder)).toEqual({
      PATH: '/bin',
      ARCTUN_AUTH_KEY: 'secret-1',
      ARCTUN_COVERAGE_TYPE: 'jp',
    });
  });

  it("has the job's own proxy variables, even after set-proxy replaced them", () => {
    saveProxies(runner({ HTTPS_PROXY: 'http://corporate' }), folder);
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1', A: 'b' };
    expect(commandEnvironment(runner(env), folder)).toEqual({
      HTTPS_PROXY: 'http://corporate',
      A: 'b',
    });
  });
});

it('mask the auth key from every source', () => {
  const written: string[] = [];
  const env = { 'INPUT_AUTH-KEY': 'a', ARCTUN_AUTH_KEY: 'b', SORACOM_AUTH_KEY: 'c' };
  maskCredentials(new Runner(env, (text) => void written.push(text)));
  expect(written).toEqual(['a', 'b', 'c'].map((secret) => `::add-mask::${secret}\n`));
});
