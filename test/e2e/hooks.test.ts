/** The commands of arc.json, `--read-stdin` and the counters, in a real `up`. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';
import { until } from '../support/until.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let arcJson: object;

afterAll(() => processes.close());
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-hooks-'));
  emulator = await startEmulatorProcess(processes);
  const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
  const { code } = await processes.run(bootstrap, { cwd: folder, env: emulator.env });
  expect(code).toBe(0);
  arcJson = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as object;
  // Standard input is the only configuration.
  rmSync(join(folder, 'arc.json'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** `up` with an arc.json on its standard input. */
function up(members: object, ...parameters: readonly string[]): TestProcess {
  const command = [process.execPath, ARCTUN, 'up', '--read-stdin', '--proxy-listen', 'off'];
  return processes.start([...command, '--forward-listen', '127.0.0.1:0', ...parameters], {
    cwd: folder,
    env: { HOOK_TEST: 'inherited', ARCTUN_AUTH_KEY: 'secret-of-a-test', ARCTUN_WAIT: '20' },
    input: JSON.stringify({ ...arcJson, ...members }),
  });
}

it('run around the tunnel, without a shell, and are logged as in soratun', async () => {
  const started = up({
    preUp: [
      ['sh', '-c', 'echo "$HOOK_TEST"; echo "$0" >&2', '$HOME'],
      ['sh', '-c', 'env > environment'],
    ],
    postUp: [
      ['touch', 'a b'],
      ['ip', 'link', 'show', '%i'],
    ],
    preDown: [['mv', 'a b', 'c']],
    postDown: [['mv', 'c', 'd']],
  });
  await started.output(/is up/);
  expect(existsSync(join(folder, 'a b'))).toBe(true);
  started.kill('SIGTERM');
  const { code, stderr } = await started.finished;
  expect(code).toBe(0);
  expect(existsSync(join(folder, 'd'))).toBe(true);
  const environment = readFileSync(join(folder, 'environment'), 'utf8');
  expect(environment).toContain('ARCTUN_WAIT=20');
  expect(environment).not.toMatch(/ARCTUN_AUTH_KEY|secret-of-a-test/);
  const messages = stderr
    .split('\n')
    .map((line) => line.split(' ').slice(1).join(' '))
    .filter((line) => /P(re|ost)(Up|Down)/.test(line));
  expect(messages[0]).toMatch(/^WARN +skipped PostUp\(1\): .*--mode tun/);
  expect(messages.slice(1).map((line) => line.replace(/^INFO +/, ''))).toEqual([
    'executing PreUp(0): [sh -c echo "$HOOK_TEST"; echo "$0" >&2 $HOME]',
    // The line end within the output is shown unchanged, so its rest is another line.
    "PreUp(0) response: 'inherited",
    'executing PreUp(1): [sh -c env > environment]',
    "PreUp(1) response: ''",
    'executing PostUp(0): [touch a b]',
    "PostUp(0) response: ''",
    'executing PreDown(0): [mv a b c]',
    "PreDown(0) response: ''",
    'executing PostDown(0): [mv c d]',
    "PostDown(0) response: ''",
  ]);
}, 120_000);

it('do not run from a file that others can write: exit code 6', async () => {
  const file = join(folder, 'open.json');
  const content = { ...arcJson, preUp: [['touch', 'ran']] };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  chmodSync(file, 0o666);
  const command = [process.execPath, ARCTUN, 'up', '--config', file];
  const { code, stderr } = await processes.run(command, { cwd: folder });
  expect({ code, stderr }).toEqual({
    code: 6,
    stderr: `Error: cannot run the commands in ${file}: other users can write to the file ${file} (mode 0666)
  No command was run and nothing was changed.
  Run: chmod go-w ${file}
  Or remove preUp, postUp, preDown and postDown from the file.
`,
  });
  expect(existsSync(join(folder, 'ran'))).toBe(false);
}, 120_000);

it('cause exit code 1 if they fail, and what was started is undone', async () => {
  const started = up(
    { postUp: [['sh', '-c', 'echo no; exit 3']], postDown: [['touch', 'undone']] },
    '--log-level',
    'silent',
  );
  const { code, stdout, stderr } = await started.finished;
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: failed to do PostUp(0): error while running "sh -c echo no; exit 3" with exit status 3, output: 'no'\n`,
  });
  expect(existsSync(join(folder, 'undone'))).toBe(true);
}, 120_000);

itInRelease(
  'end with their child processes when a second signal ends up',
  async () => {
    const started = up({
      postDown: [['sh', '-c', 'sleep 1000 & echo $! > sleeper.new; mv sleeper.new sleeper; wait']],
    });
    await started.output(/is up/);
    started.kill('SIGTERM');
    const sleeper = join(folder, 'sleeper');
    await until(() => existsSync(sleeper));
    // A signal within 100 ms would count as the same one.
    await setTimeout(150);
    started.kill('SIGTERM');
    await started.finished;
    const pid = Number(readFileSync(sleeper, 'utf8'));
    const isRunning = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await until(() => !isRunning());
  },
  120_000,
);
