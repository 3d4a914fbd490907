import { getEventListeners } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { jest } from '@jest/globals';

import { CommandError, type RunOptions } from '../../../src/ports/command-runner.js';
import { pendingTimers } from '../pending-timers.js';
import {
  createCommandRunner,
  startError,
  systemCommands,
  killGroups,
  processGroups,
  signalGroup,
} from '../../../src/system/process/command-runner.js';
import { until } from '../../support/until.js';

/** Longer than any machine needs: if it expires, the test has failed. */
const LONG = 60_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = (script: string, ...parameters: string[]) => [
  process.execPath,
  '-e',
  script,
  '--',
  ...parameters,
];

async function failureOf(promise: Promise<unknown>): Promise<CommandError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof CommandError) return error;
  throw new Error(`no CommandError: ${String(error)}`);
}

/** Whether a process exists. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('returns both outputs and the exit code', async () => {
  const script = 'process.stdout.write("öut"); process.stderr.write("err"); process.exitCode = 3';
  expect(await systemCommands.run(node(script))).toEqual({
    exitCode: 3,
    stdout: 'öut',
    stderr: 'err',
  });
});

it('passes arguments unchanged, without a shell', async () => {
  const script = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
  const parameters = ['a b', '$HOME', '`id`', '; true', '"', "'", '', '*'];
  const { stdout } = await systemCommands.run(node(script, ...parameters));
  expect(JSON.parse(stdout)).toEqual(parameters);
});

it('passes an input, which the program may leave unread', async () => {
  const echo = node('process.stdin.pipe(process.stdout)');
  const input = `nameserver 192.0.2.1\n${'x'.repeat(200_000)}`;
  expect(await systemCommands.run(echo, { input })).toMatchObject({ stdout: input });
  expect(await systemCommands.run(node('process.exit(3)'), { input })).toMatchObject({
    exitCode: 3,
  });
});

it('provides an empty standard input', async () => {
  const script = 'process.stdin.on("data", () => {}).on("end", () => process.stdout.write("end"))';
  expect((await systemCommands.run(node(script), { timeout: LONG })).stdout).toBe('end');
});

it('distinguishes termination by a signal from an exit code', async () => {
  const script = 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)';
  expect(await systemCommands.run(node(script))).toMatchObject({
    exitCode: undefined,
    signal: 'SIGKILL',
  });
});

describe('a command that cannot be started', () => {
  it.each([
    ['not-found', ['/no/such/program', 'secret-1'], '/no/such/program: the program was not found'],
    ['failed', ['', 'secret-1'], ': the program cannot be started (ERR_INVALID_ARG_VALUE)'],
    ['failed', [], ': the program cannot be started (ERR_INVALID_ARG_VALUE)'],
    [
      'failed',
      [process.execPath, 'secret-1\0'],
      `${process.execPath}: the program cannot be started (ERR_INVALID_ARG_VALUE)`,
    ],
  ] as const)('is %s: %j', async (failure, command, message) => {
    const error = await failureOf(systemCommands.run(command));
    expect(error).toMatchObject({ failure, message });
    // The arguments may contain a secret.
    expect(inspect(error, { depth: 9 })).not.toContain('secret-1');
  });

  it('is reported as denied if it is not a program', async () => {
    const path = join(folder, 'text');
    writeFileSync(path, '', { mode: 0o600 });
    expect(await failureOf(systemCommands.run([path]))).toMatchObject({
      failure: 'denied',
      message: `${path}: the program is not executable`,
    });
  });
});

it.each(['stdout', 'stderr'])('limits %s', async (stream) => {
  const script = `const more = () => process.${stream}.write("x".repeat(65536), more); more()`;
  const error = await failureOf(systemCommands.run(node(script), { timeout: LONG }));
  expect(error).toMatchObject({
    failure: 'too-much-output',
    message: `${process.execPath} printed too much output`,
  });
});

it('accepts 1 MiB', async () => {
  const script = 'process.stdout.write("x".repeat(1 << 20))';
  const { stdout } = await systemCommands.run(node(script), { timeout: LONG });
  expect(stdout).toHaveLength(1 << 20);
});

it('terminates a program at the deadline, with SIGTERM first', async () => {
  // The deadline is the shortest of all: the programs that it ends would otherwise run forever.
  const script = 'setInterval(() => {}, 1000)';
  expect(await failureOf(systemCommands.run(node(script), { timeout: 20 }))).toMatchObject({
    failure: 'timeout',
    message: `${process.execPath} did not exit within 0.02 s`,
  });
});

/** Runs a script, which must call `announce(id)`, and aborts after that. */
async function abortOnceRunning(
  script: string,
  grace: number,
  options: RunOptions = {},
): Promise<{ reason: unknown; pid: number }> {
  const path = join(folder, 'pid');
  const announce = `const announce = (pid) => {
    require("fs").writeFileSync(process.argv[1] + ".new", String(pid));
    require("fs").renameSync(process.argv[1] + ".new", process.argv[1]);
  };`;
  const controller = new AbortController();
  const running = createCommandRunner(grace)
    .run(node(announce + script, path), { ...options, timeout: LONG, signal: controller.signal })
    .catch((reason: unknown) => reason);
  await until(() => existsSync(path));
  controller.abort('the reason');
  return { reason: await running, pid: Number(readFileSync(path, 'utf8')) };
}

it('terminates a program on abort, and rejects with the reason after it has ended', async () => {
  const { reason, pid } = await abortOnceRunning(
    `process.on("SIGTERM", () => {
       require("fs").writeFileSync(process.argv[1] + ".asked", "");
       process.exit();
     });
     setInterval(() => {}, 1000);
     announce(process.pid);`,
    LONG,
  );
  expect(reason).toBe('the reason');
  expect(existsSync(join(folder, 'pid.asked'))).toBe(true);
  expect(isRunning(pid)).toBe(false);
}, 60_000);

it('kills a program that ignores SIGTERM', async () => {
  const { reason, pid } = await abortOnceRunning(
    'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); announce(process.pid);',
    20,
  );
  expect(reason).toBe('the reason');
  await until(() => !isRunning(pid));
}, 60_000);

it('does not wait for processes that a program leaves running', async () => {
  const { reason, pid } = await abortOnceRunning(
    `const left = require("child_process").spawn(process.execPath,
       ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
     announce(left.pid);
     process.exit();`,
    20,
  );
  expect(reason).toBe('the reason');
  process.kill(pid, 'SIGKILL');
}, 60_000);

it('leaves neither a timer nor a listener', async () => {
  const { signal } = new AbortController();
  const run = () => systemCommands.run(node(''), { timeout: LONG, signal });
  expect(await pendingTimers(LONG, run)).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('keeps the first reason', async () => {
  const path = join(folder, 'asked');
  const script = `let asked = false;
    process.on("SIGTERM", () => {
      if (asked) process.exit();
      asked = true;
      require("fs").writeFileSync(process.argv[1], "");
    });
    setInterval(() => {}, 1000);`;
  const controller = new AbortController();
  const state = { isRunning: true };
  const running = failureOf(
    createCommandRunner(1000)
      .run(node(script, path), { timeout: 1000, signal: controller.signal })
      .finally(() => {
        state.isRunning = false;
      }),
  );
  // On a machine that is too slow, the program ends before the signal, with the same reason.
  await until(() => !state.isRunning || existsSync(path));
  controller.abort('another reason');
  expect((await running).failure).toBe('timeout');
}, 60_000);

it('does not start a command after its signal was aborted', async () => {
  const path = join(folder, 'started');
  const command = node('require("fs").writeFileSync(process.argv[1], "")', path);
  const signal = AbortSignal.abort('the reason');
  await expect(systemCommands.run(command, { signal })).rejects.toBe('the reason');
  expect(existsSync(path)).toBe(false);
});

describe('in its own process group', () => {
  /** Starts a program that ignores SIGTERM, and continues; `announce` is called with its ID. */
  const LEAVES_ONE_BEHIND = `const left = require("child_process").spawn(process.execPath,
      ["-e", 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.send("")'],
      { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    left.on("message", () => { left.disconnect(); announce(left.pid); });`;

  it.each([
    ['that ends on SIGTERM', 'setInterval(() => {}, 1000);', LONG],
    ['that ignores SIGTERM', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);', 20],
  ])(
    'a program %s is terminated with its children',
    async (_, script, grace) => {
      const { reason, pid } = await abortOnceRunning(script + LEAVES_ONE_BEHIND, grace, {
        ownGroup: true,
      });
      expect(reason).toBe('the reason');
      await until(() => !isRunning(pid));
    },
    60_000,
  );

  it('does not terminate the children if the program exits by itself', async () => {
    const script = `const left = require("child_process").spawn(process.execPath,
      ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      process.stdout.write(String(left.pid)); left.unref();`;
    const { stdout } = await systemCommands.run(node(script), { timeout: LONG, ownGroup: true });
    expect(isRunning(Number(stdout))).toBe(true);
    process.kill(Number(stdout), 'SIGKILL');
  }, 60_000);
});

it('merges both outputs as they arrive, and drops the excess', async () => {
  const script = `process.stdout.write("one ", () => setTimeout(() => process.stderr.write("two ", () =>
      setTimeout(() => process.stdout.write("three" + "x".repeat(100_000)), 100)), 100));`;
  const result = await systemCommands.run(node(script), { timeout: LONG, mergedOutput: 10 });
  expect(result).toEqual({ exitCode: 0, stdout: 'one two th', stderr: '' });
});

it('hides some variables from a program, and passes the rest', async () => {
  process.env.ARCTUN_TEST_KEPT = 'kept';
  process.env.ARCTUN_TEST_HIDDEN = 'hidden';
  try {
    const withoutVariables = (name: string, value: string) =>
      name === 'ARCTUN_TEST_HIDDEN' && value === 'hidden';
    const script = 'console.log(process.env.ARCTUN_TEST_KEPT, process.env.ARCTUN_TEST_HIDDEN)';
    const { stdout } = await systemCommands.run(node(script), { withoutVariables });
    expect(stdout).toBe('kept undefined\n');
  } finally {
    delete process.env.ARCTUN_TEST_KEPT;
    delete process.env.ARCTUN_TEST_HIDDEN;
  }
});

it('reports a program as not found if only a folder of PATH is not accessible', () => {
  const path = process.env.PATH;
  process.env.PATH = folder;
  writeFileSync(join(folder, 'not-executable'), '');
  const denied = Object.assign(new Error('spawn'), { code: 'EACCES' });
  try {
    expect(startError('no-such-program', denied).failure).toBe('not-found');
    expect(startError('not-executable', denied).failure).toBe('denied');
    expect(startError('/no/such/program', denied).failure).toBe('denied');
  } finally {
    process.env.PATH = path;
  }
});

describe('process groups', () => {
  let kill: jest.SpiedFunction<typeof process.kill>;
  beforeEach(() => {
    kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  });
  afterEach(() => kill.mockRestore());

  it('signals every process of a group', () => {
    signalGroup(7, 'SIGTERM');
    expect(kill.mock.calls).toEqual([[-7, 'SIGTERM']]);
  });

  it('ignores a group that no longer exists', () => {
    kill.mockImplementation(() => {
      throw new Error('ESRCH');
    });
    expect(() => signalGroup(7, 'SIGTERM')).not.toThrow();
  });

  it('terminates its groups once', () => {
    processGroups.add(8);
    killGroups();
    killGroups();
    expect(kill.mock.calls).toEqual([[-8, 'SIGKILL']]);
  });
});
