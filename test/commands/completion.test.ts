import { tmpdir } from 'node:os';

import { runInProcess } from '../support/command-in-process.js';

const completion = (...parameters: string[]) =>
  runInProcess(['completion', ...parameters], { cwd: tmpdir() });

it.each([
  ['bash', /'up' \| 'u'\) command='up'[^]*'up --mode'\) words='auto tun kernel userspace'/],
  ['zsh', /'up'\|'u'\) command='up'[^]*--mode=[^\n]*\(auto tun kernel userspace\)/],
  ['fish', /case 'up' 'u'[^]*-l 'mode' -x -a 'auto tun kernel userspace'/],
])('prints a script for %s with all commands', async (shell, script) => {
  const { code, stdout, stderr } = await completion(shell);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(script);
});

it.each([[[]], [['tcsh']]])(
  'lists the three shells and exits with 2 for %j',
  async (parameters) => {
    const { code, stdout, stderr } = await completion(...parameters);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/bash\W+zsh\W+fish/);
  },
);
