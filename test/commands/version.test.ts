import { readFileSync } from 'node:fs';

import { ARCTUN, Processes, REPOSITORY } from '../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());

const { version } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as {
  version: string;
};

it.each([[['version', '--json']], [['v']]])(
  '%j prints one line of JSON, revision first, as soratun does',
  async (parameters) => {
    expect(await processes.run([process.execPath, ARCTUN, ...parameters])).toEqual({
      code: 0,
      stdout: `{"revision":"","version":"${version}"}\n`,
      stderr: '',
    });
  },
  60_000,
);
