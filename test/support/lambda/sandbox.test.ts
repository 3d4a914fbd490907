/** The life cycle of a sandbox, by the order of its steps, and what its processes see. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describeWith, LAMBDA_PRIVATE_ROOT, LAMBDA_SANDBOX } from '../runner/requirements.js';
import { FUNCTIONS } from './apis/runtimes.js';
import { Sandboxes, toldBy } from './probe.js';
import type { LambdaSandbox } from './sandbox.js';
import { until } from '../until.js';

const sandboxes = new Sandboxes();
afterEach(() => sandboxes.close());

/** Waits for the output of a process, which may be read after its exit. */
const hasTold = (sandbox: LambdaSandbox, name: string, word: string) =>
  until(() => toldBy(sandbox, name, word).length > 0);

const count = (sandbox: LambdaSandbox, step: string) =>
  sandbox.order.filter((one) => one === step).length;

describeWith(LAMBDA_SANDBOX, 'init', () => {
  it('starts the runtime after every extension has registered, and ends when all wait in next', async () => {
    const [register, next] = [sandboxes.gate(), sandboxes.gate()];
    const sandbox = await sandboxes.start({
      early: {},
      late: { registerGate: register.path, nextGate: next.path },
    });
    await sandbox.seen('extension next', 'early');
    expect(sandbox.order).not.toContain('runtime started: runtime');
    register.open();
    await sandbox.seen('runtime next');
    expect(sandbox.order).not.toContain('init done');
    next.open();
    expect(await sandbox.initialized()).toMatchObject({ status: 'success' });
    const at = (step: string): number => sandbox.order.indexOf(step);
    expect(at('runtime started: runtime')).toBe(at('extension registered: late') + 1);
    expect(at('init done')).toBe(at('extension next: late') + 1);
  });

  it('ends at its limit, and is retried during the next invocation', async () => {
    const sandbox = await sandboxes.start(
      { mute: { silent: true } },
      { initLimitMs: 300, timeoutMs: 400 },
    );
    expect(await sandbox.initialized()).toMatchObject({ status: 'timeout' });
    const { error } = await sandbox.invoke({});
    expect(error).toMatchObject({ errorType: 'Sandbox.Timedout' });
    expect(count(sandbox, 'extension started: mute')).toBe(2);
  });

  it.each([
    [{ exitAt: 'registered', code: 0 }, 'Extension.Crash', 'exit code 0'],
    [{ initError: 'Extension.ConfigInvalid' }, 'Extension.InitError', 'Extension.ConfigInvalid'],
  ])('fails if an extension does %j', async (behaviour, errorType, errorMessage) => {
    const sandbox = await sandboxes.start({ bad: behaviour });
    const error = { errorType, errorMessage };
    expect(await sandbox.initialized()).toMatchObject({ status: 'error', error });
    expect(await sandbox.invoke({})).toMatchObject({ error });
  });
});

describeWith(LAMBDA_SANDBOX, 'invoke', () => {
  it('ends when the runtime and the extensions with INVOKE are back in next', async () => {
    const sandbox = await sandboxes.start({ asks: {}, not: { events: ['SHUTDOWN'] } });
    await sandbox.initialized();
    const before = sandbox.order.length;
    expect(await sandbox.invoke({ number: 2 })).toMatchObject({ response: '{"number":2}' });
    const steps = sandbox.order.slice(before);
    expect(steps[0]).toBe('invoke');
    expect(steps.at(-1)).toBe('invoke done');
    expect(steps.slice(1, -1).sort()).toEqual([
      'extension next: asks',
      'invoke event: asks',
      'runtime next: runtime',
      'runtime response: runtime',
    ]);
  });

  it('ends at the function’s timeout: SHUTDOWN with the reason timeout, and all processes restart', async () => {
    const sandbox = await sandboxes.start({ probe: {} });
    await sandbox.initialized();
    const result = await sandbox.invoke({ do: 'hang' }, { timeoutMs: 200 });
    expect(result.error?.errorType).toBe('Sandbox.Timedout');
    await hasTold(sandbox, 'probe', 'SHUTDOWN');
    expect(toldBy(sandbox, 'probe', 'SHUTDOWN')).toMatchObject([{ shutdownReason: 'timeout' }]);
    expect(result.reset).toMatchObject({
      processes: [
        { name: 'probe', state: 'Exited', exitCode: 0 },
        { name: 'runtime', signal: 'SIGTERM' },
      ],
    });
    expect(await sandbox.invoke({ number: 3 })).toMatchObject({ response: '{"number":3}' });
    expect(count(sandbox, 'extension started: probe')).toBe(2);
  });

  it.each([
    [{ exitAt: 'INVOKE', code: 0 }, {}, 'Extension.Crash', 'exit code 0'],
    [{}, { do: 'crash' }, 'Runtime.ExitError', 'exit code 3'],
  ])('fails if a process exits: %j, %j', async (behaviour, event, errorType, errorMessage) => {
    const sandbox = await sandboxes.start({ probe: behaviour });
    await sandbox.initialized();
    const { error } = await sandbox.invoke({ do: 'wait', ms: 2_000, ...event });
    expect(error).toEqual({ errorType, errorMessage });
  });
});

describeWith(LAMBDA_SANDBOX, 'shutdown', () => {
  it('sends SIGTERM to the runtime, then SHUTDOWN, and leaves no process', async () => {
    const sandbox = await sandboxes.start({ probe: { child: true } });
    await sandbox.initialized();
    const { order, processes } = sandbox;
    const [child] = toldBy(sandbox, 'probe', 'child') as { pid: number }[];
    await sandbox.shutdown();
    expect(sandbox.order.slice(order.length)).toEqual([
      'shutdown',
      'terminated: runtime',
      'exited: runtime',
      'shutdown event: probe',
      'exited: probe',
      'shutdown done',
    ]);
    for (const { pid } of processes) expect(existsSync(`/proc/${pid}`)).toBe(false);
    // As on Lambda, a child of an extension outlives it.
    expect(isAlive(child!.pid)).toBe(true);
    await sandbox.close();
    await until(() => !isAlive(child!.pid));
  });

  it('kills late processes at the deadline, and unregistered ones at once', async () => {
    const sandbox = await sandboxes.start(
      { late: { hangAt: 'SHUTDOWN' }, not: { events: ['INVOKE'] } },
      { shutdownLimitMs: 1_000 },
    );
    await sandbox.initialized();
    const report = await sandbox.shutdown();
    expect(report.processes).toMatchObject([
      { name: 'late', state: 'ShutdownFailed', signal: 'SIGKILL' },
      { name: 'not', state: 'Exited', signal: 'SIGKILL' },
      { name: 'runtime' },
    ]);
    expect(report.processes[0]!.ms).toBeGreaterThanOrEqual(999);
  });
});

describeWith([...LAMBDA_SANDBOX, 'faketime'], 'a frozen sandbox', () => {
  it('does nothing until it is thawed, while its wall clock continues', async () => {
    const sandbox = await sandboxes.start({ probe: { child: true } }, { fakeClock: true });
    await sandbox.invoke({});
    const [child] = toldBy(sandbox, 'probe', 'child') as { pid: number }[];
    await sandbox.freeze();
    for (const pid of [child!.pid, ...sandbox.processes.map((one) => one.pid)]) {
      // A child stops a moment after its leader.
      await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T '));
    }
    sandbox.jumpClock(600_000);
    await sandbox.invoke({});
    await until(() => toldBy(sandbox, 'probe', 'INVOKE').length === 2);
    const events = toldBy(sandbox, 'probe', 'INVOKE') as Record<string, number>[];
    const passed = (name: string) => events[1]![name]! - events[0]![name]!;
    expect(passed('wall')).toBeGreaterThanOrEqual(600_000);
    expect(passed('deadlineMs')).toBeGreaterThanOrEqual(600_000);
    expect(passed('monotonic')).toBeLessThan(600_000);
  });
});

describeWith(LAMBDA_SANDBOX, 'the environment of an extension', () => {
  it('contains what Lambda passes on; the runtime’s contains everything', async () => {
    const env = { NODE_OPTIONS: '--no-warnings', _OWN: 'customer' };
    const sandbox = await sandboxes.start({ probe: {} }, { env });
    const { response } = await sandbox.invoke({ do: 'environment' });
    expect(JSON.parse(response!)).toMatchObject({ ...env, LAMBDA_TASK_ROOT: FUNCTIONS });
    const [extension] = toldBy(sandbox, 'probe', 'environment') as [Record<string, string>];
    expect(extension).toMatchObject({
      AWS_LAMBDA_RUNTIME_API: sandbox.address,
      NODE_OPTIONS: '--no-warnings',
    });
    const hidden = ['AWS_EXECUTION_ENV', 'LAMBDA_TASK_ROOT', '_HANDLER', '_OWN', 'JEST_WORKER_ID'];
    expect(Object.keys(extension).filter((name) => hidden.includes(name))).toEqual([]);
  });
});

describeWith(LAMBDA_PRIVATE_ROOT, 'a private root', () => {
  it('is writable only in /tmp, for another user too, and leaves nothing behind', async () => {
    const script = `
      for folder in / /opt /var/task /etc /usr /run; do
        if touch "$folder/mark" 2>/dev/null; then echo "may write $folder"; fi
      done
      touch /tmp/mark && ls /tmp /opt/extensions && getent hosts sandbox.localdomain && exec node "$1"
    `;
    const runtime = {
      command: 'bash',
      args: ['-c', script, 'sh', join(FUNCTIONS, 'runtime.mjs')],
    };
    const sandbox = await sandboxes.start({ probe: {} }, { privateRoot: true, runtime, uid: 993 });
    await sandbox.initialized();
    const started = { path: '/opt/extensions/probe', cwd: '/', uid: 993 };
    expect(toldBy(sandbox, 'probe', 'started')).toEqual([started]);
    const said = sandbox.output('runtime');
    expect(said).not.toContain('may write');
    expect(said).toMatch(/^probe$[^]*^mark$[^]*^127\.0\.0\.1 +sandbox\.localdomain/m);
    await sandbox.close();
    expect(existsSync(sandbox.folder)).toBe(false);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(sandbox.folder);
  });
});

describeWith([...LAMBDA_SANDBOX, 'memory-cgroup'], 'a memory limit', () => {
  it('ends a process that uses more', async () => {
    // tail buffers input that has no newline.
    const hungry = ['-c', 'head -c 200M /dev/zero | exec -a hungry tail'];
    const runtime = { command: 'bash', args: hungry };
    const sandbox = await sandboxes.start({}, { memoryLimitMb: 64, runtime });
    const errorMessage = expect.stringMatching(/137|SIGKILL/) as string;
    expect(await sandbox.initialized()).toMatchObject({ error: { errorMessage } });
  });
});

/** Whether a process is alive. A zombie counts as dead, because its new parent may reap it late. */
function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !readFileSync(path, 'utf8').includes(') Z ');
}
