import { Hooks, planHooks } from '../../../src/app/up/hooks.js';
import { isCredentialVariable } from '../../../src/lib/secrets/credential-variables.js';
import { CommandError } from '../../../src/ports/command-runner.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { FakeCommands } from '../fake-commands.js';

const ALL = {
  preUp: [['pre-up']],
  postUp: [['post-up-0'], ['post-up-1', 'b c']],
  preDown: [['pre-down']],
  postDown: [['post-down-0'], ['post-down-1']],
};

let commands: FakeCommands;
let log: RecordingLog;
let stop: AbortController;
beforeEach(() => {
  commands = new FakeCommands();
  log = new RecordingLog();
  stop = new AbortController();
});

function hooksOf(hooks: Partial<typeof ALL> = ALL, interfaceName?: string): Hooks {
  const none = { preUp: [], postUp: [], preDown: [], postDown: [] };
  return new Hooks(planHooks({ ...none, ...hooks }, interfaceName), { commands, log }, stop.signal);
}

/** All the phases, as for a tunnel that opens and closes. */
async function goThrough(hooks: Hooks): Promise<void> {
  await hooks.preUp();
  await hooks.postUp();
  await hooks.preDown();
  await hooks.postDown();
}

it('logs the same messages as soratun', async () => {
  commands.ends.set('post-up-1', { stdout: ' \n one\ntwo \n' });
  await goThrough(hooksOf({ postUp: ALL.postUp }));
  expect(log.messages('info')).toEqual([
    'executing PostUp(0): [post-up-0]',
    "PostUp(0) response: ''",
    'executing PostUp(1): [post-up-1 b c]',
    "PostUp(1) response: 'one\ntwo'",
  ]);
});

it('runs each command with 30 s, a process group, an output limit, and no credentials', async () => {
  await goThrough(hooksOf());
  for (const { options } of commands.ran) {
    const { signal, withoutVariables, ...rest } = options;
    expect(signal).toBe(stop.signal);
    expect(rest).toEqual({ timeout: 30_000, ownGroup: true, mergedOutput: 65_536 });
    expect(withoutVariables).toBe(isCredentialVariable);
  }
});

it('hides text that looks like a secret', async () => {
  const secret = 'secret-abcdefgh';
  commands.ends.set('a', { stdout: secret });
  await goThrough(hooksOf({ postUp: [['a', secret]] }));
  commands.ends.set('a', { exitCode: 1, stdout: secret });
  const failing = hooksOf({ postUp: [['a', secret]] });
  const failure: unknown = await failing.postUp().catch((error: unknown) => error);
  expect(`${String(failure)} ${JSON.stringify(log.lines)}`).not.toContain(secret);
});

it.each([
  [
    { exitCode: 3, stdout: 'no\n' },
    `error while running "post-up-0" with exit status 3, output: 'no'`,
  ],
  [
    { exitCode: undefined, signal: 'SIGKILL' },
    `error while running "post-up-0" with signal: SIGKILL, output: ''`,
  ],
  [
    new CommandError('timeout', 'post-up-0 did not exit within 30 s'),
    'error while running "post-up-0": post-up-0 did not exit within 30 s',
  ],
])('stops at the first preUp or postUp command that fails: %j', async (end, why) => {
  commands.ends.set('post-up-0', end);
  await expect(hooksOf().postUp()).rejects.toMatchObject({
    kind: 'failed',
    what: 'failed to do PostUp(0)',
    why,
    ...(end instanceof CommandError && { cause: end }),
  });
  expect(commands.lines).toEqual(['post-up-0']);
});

describe('the rollback', () => {
  it.each([false, true])('undoes preUp, whether it failed or not: %s', async (fails) => {
    if (fails) commands.ends.set('pre-up', { exitCode: 1 });
    const hooks = hooksOf();
    await hooks.preUp().catch(() => undefined);
    await hooks.preDown();
    await hooks.postDown();
    expect(commands.lines).toEqual(['pre-up', 'post-down-0', 'post-down-1']);
  });
});

it('runs all preDown and postDown commands, and reports each that failed', async () => {
  commands.ends.set('pre-down', { exitCode: 1 });
  commands.ends.set('post-down-0', new CommandError('not-found', 'post-down-0: no such program'));
  const hooks = hooksOf();
  await goThrough(hooks);
  expect(commands.lines.slice(-3)).toEqual(['pre-down', 'post-down-0', 'post-down-1']);
  const [first, second] = [
    `failed to do PreDown(0): error while running "pre-down" with exit status 1, output: ''`,
    'failed to do PostDown(0): error while running "post-down-0": post-down-0: no such program',
  ];
  expect(() => hooks.throwFailures()).toThrow(`2 commands failed: \n  ${first}\n  ${second}`);
  expect(() => hooks.throwFailures()).toThrow(expect.objectContaining({ kind: 'failed' }) as Error);
  expect(log.messages('error')).toEqual([]);
  hooks.logFailures();
  expect(log.messages('error')).toEqual([first, second]);
});

describe('a stop', () => {
  it('terminates a preUp or postUp command, and gives its reason', async () => {
    commands.ends.set('pre-up', 'hangs');
    const reason = new Error('the stop');
    commands.onRun = () => setImmediate(() => stop.abort(reason));
    await expect(hooksOf().preUp()).rejects.toBe(reason);
  });

  it('does not affect preDown and postDown commands that start later', async () => {
    const hooks = hooksOf();
    await hooks.postUp();
    stop.abort(new Error('the stop'));
    await hooks.preDown();
    await hooks.postDown();
    expect(commands.lines.slice(2)).toEqual(['pre-down', 'post-down-0', 'post-down-1']);
    expect(() => hooks.throwFailures()).not.toThrow();
  });

  it('terminates one preDown or postDown command, and the others run', async () => {
    commands.ends.set('pre-down', 'hangs');
    const hooks = hooksOf();
    await hooks.postUp();
    commands.onRun = (program) => {
      if (program === 'pre-down') setImmediate(() => stop.abort(new Error('the stop')));
    };
    await hooks.preDown();
    await hooks.postDown();
    expect(commands.lines.slice(2)).toEqual(['pre-down', 'post-down-0', 'post-down-1']);
    expect(() => hooks.throwFailures()).toThrow('failed to do PreDown(0): the stop');
  });
});

it('reports once that no interface exists, and how to get one', async () => {
  const spoken = { preUp: [['a', '%i']], postUp: [['b']], postDown: [['c', '%i']] };
  await goThrough(hooksOf(spoken));
  expect(commands.lines).toEqual(['b']);
  expect(log.messages('warn')).toEqual([
    'skipped PreUp(0), PostDown(0): %i requires a network interface, which userspace mode does not create. Use --mode tun',
  ]);
  await goThrough(hooksOf(spoken, 'tun0'));
  expect(commands.lines.slice(1)).toEqual(['a tun0', 'b', 'c tun0']);
  expect(log.messages('warn')).toHaveLength(1);
});

const NONE = { preUp: [], postUp: [], preDown: [], postDown: [] };

it('replaces the interface name in every word', () => {
  const { commands, skipped } = planHooks(
    { ...NONE, postUp: [['/sbin/%i', 'a', '%i:%i', '%I', '% i']] },
    'soratun$&0',
  );
  expect(commands.PostUp).toEqual([
    { name: 'PostUp(0)', command: ['/sbin/soratun$&0', 'a', 'soratun$&0:soratun$&0', '%I', '% i'] },
  ]);
  expect(skipped).toEqual([]);
});

it('skips entries without a program, and counts them', () => {
  const hooks = {
    preUp: [[], ['a']],
    postUp: [['', 'x'], ['b']],
    preDown: [['c']],
    postDown: [[]],
  };
  expect(planHooks(hooks, 'tun0')).toEqual({
    commands: {
      PreUp: [{ name: 'PreUp(1)', command: ['a'] }],
      PostUp: [{ name: 'PostUp(1)', command: ['b'] }],
      PreDown: [{ name: 'PreDown(0)', command: ['c'] }],
      PostDown: [],
    },
    skipped: [],
  });
});
