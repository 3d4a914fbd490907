import { ARCTUN, Processes } from '../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());

const completion = (...parameters: string[]) =>
  processes.run([process.execPath, ARCTUN, 'completion', ...parameters]);

it.each([
  ['bash', /'up' \| 'u'\) command='up'[^]*'up --mode'\) words='auto tun kernel userspace'/],
  ['zsh', /'up'\|'u'\) command='up'[^]*--mode=[^\n]*\(auto tun kernel userspace\)/],
  ['fish', /case 'up' 'u'[^]*-l 'mode' -x -a 'auto tun kernel userspace'/],
])(
  'prints a script for %s with all commands',
  async (shell, script) => {
    const { code, stdout, stderr } = await completion(shell);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(script);
  },
  60_000,
);

it.each([[[]], [['tcsh']]])(
  'lists the three shells and exits with 2 for %j',
  async (parameters) => {
    const { code, stdout, stderr } = await completion(...parameters);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/bash\W+zsh\W+fish/);
  },
  60_000,
);
