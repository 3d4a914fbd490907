/**
 * The life cycle of a sandbox: init, limits, resets and shutdown, checked by the order of steps.
 */
import { existsSync, readFileSync } from 'node:fs';

import { describeWith, LAMBDA_SANDBOX } from '../runner/requirements.js';
import { Sandboxes, toldBy } from './probe.js';
import type { LambdaSandbox } from './sandbox.js';
import { until } from '../until.js';

/** Waits for the output of a process, which may be read after its exit. */
const hasTold = (sandbox: LambdaSandbox, name: string, word: string) =>
  until(() => toldBy(sandbox, name, word).length > 0);

describeWith(LAMBDA_SANDBOX, 'a sandbox of Lambda', () => {
  const sandboxes = new Sandboxes();

  afterEach(() => sandboxes.close());

  describe('init', () => {
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
      const { order } = sandbox;
      const at = (step: string): number => order.indexOf(step);
      expect(order.slice(0, 2).sort()).toEqual([
        'extension started: early',
        'extension started: late',
      ]);
      expect(at('runtime started: runtime')).toBe(at('extension registered: late') + 1);
      expect(at('extension registered: early')).toBeGreaterThan(0);
      expect(at('runtime started: runtime')).toBeLessThan(at('extension next: late'));
      const nexts = ['extension next: early', 'extension next: late', 'runtime next: runtime'];
      expect(Math.max(...nexts.map(at))).toBe(at('init done') - 1);
    });

    it('sends no event before it ends', async () => {
      const sandbox = await sandboxes.start({ slow: { nextAfterMs: 300 } });
      const result = await sandbox.invoke({ number: 1 });
      expect(result).toMatchObject({ response: '{"number":1}' });
      expect(result.initMs).toBeGreaterThan(0);
      const { order } = sandbox;
      expect(order.indexOf('invoke')).toBeGreaterThan(order.indexOf('init done'));
      expect((await sandbox.invoke({})).initMs).toBe(0);
    });

    it('does not need an extension', async () => {
      const sandbox = await sandboxes.start({});
      expect(await sandbox.invoke([1])).toMatchObject({ response: '[1]' });
      expect(await sandbox.shutdown()).toMatchObject({
        processes: [{ name: 'runtime', state: 'Exited', signal: 'SIGKILL' }],
      });
    });

    it('ends at its limit, and is retried during the next invocation', async () => {
      const sandbox = await sandboxes.start(
        { mute: { silent: true } },
        { initLimitMs: 300, timeoutMs: 400 },
      );
      expect(await sandbox.initialized()).toMatchObject({ status: 'timeout' });
      const result = await sandbox.invoke({});
      expect(result.error).toEqual({
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${result.requestId} Error: Task timed out after 0.40 seconds`,
      });
      expect(count(sandbox, 'extension started: mute')).toBe(2);
      expect(sandbox.order).not.toContain('runtime started: runtime');
      expect(sandbox.order).not.toContain('invoke');
    });

    it.each([
      [{ exitAt: 'start', code: 1 }, 'Extension.Crash', 'exit code 1'],
      [{ exitAt: 'registered', code: 0 }, 'Extension.Crash', 'exit code 0'],
      [{ initError: 'Extension.ConfigInvalid' }, 'Extension.InitError', 'Extension.ConfigInvalid'],
      [{ name: 'other' }, 'Extension.Crash', 'exit code 1'],
    ])('fails if an extension does %j', async (behaviour, errorType, errorMessage) => {
      const sandbox = await sandboxes.start({ bad: behaviour, good: {} });
      const error = { errorType, errorMessage };
      expect(await sandbox.initialized()).toMatchObject({ status: 'error', error });
      expect(await sandbox.invoke({})).toMatchObject({ error });
      expect(count(sandbox, 'extension started: bad')).toBe(2);
      expect(sandbox.order).not.toContain('init done');
    });

    it('fails if the function cannot be loaded', async () => {
      const sandbox = await sandboxes.start({ good: {} }, { handler: 'absent.handler' });
      const failed = await sandbox.initialized();
      expect(failed).toMatchObject({ status: 'error', error: { errorType: 'Error' } });
      expect(sandbox.order).toContain('runtime init error: runtime');
    });
  });

  describe('invoke', () => {
    it('ends when the runtime and the extensions with INVOKE are back in next', async () => {
      const sandbox = await sandboxes.start({
        asks: {},
        not: { events: ['SHUTDOWN'] },
        never: { events: [] },
      });
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
      const [event] = toldBy(sandbox, 'asks', 'INVOKE') as { deadlineMs: number; wall: number }[];
      expect(event).toMatchObject({
        invokedFunctionArn: 'arn:aws:lambda:us-east-1:012345678912:function:test_function',
        tracing: { type: 'X-Amzn-Trace-Id' },
      });
      expect(event!.deadlineMs - event!.wall).toBeLessThanOrEqual(30_000);
    });

    it('reports the error of a function', async () => {
      const sandbox = await sandboxes.start({ probe: {} });
      expect(await sandbox.invoke({ do: 'fail' })).toMatchObject({
        error: { errorType: 'TypeError', errorMessage: 'as asked' },
      });
      expect(await sandbox.invoke({})).toMatchObject({ response: '{}' });
      expect(count(sandbox, 'extension started: probe')).toBe(1);
    });

    it('runs one invocation at a time', async () => {
      const sandbox = await sandboxes.start({ probe: {} });
      const first = sandbox.invoke({ do: 'wait', ms: 100 });
      await expect(sandbox.invoke({})).rejects.toThrow('an invocation runs');
      await first;
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
      expect(count(sandbox, 'runtime started: runtime')).toBe(2);
    });

    it('keeps the answer if an extension never returns to next', async () => {
      const sandbox = await sandboxes.start(
        { probe: { hangAt: 'INVOKE' } },
        { timeoutMs: 5_000, shutdownLimitMs: 200 },
      );
      await sandbox.initialized();
      const result = await sandbox.invoke({ number: 4 });
      expect(result).toMatchObject({
        response: '{"number":4}',
        error: { errorType: 'Sandbox.Timedout' },
      });
      expect(result.reset?.processes[0]).toMatchObject({
        state: 'ShutdownFailed',
        signal: 'SIGKILL',
      });
    });

    it.each([
      [{ exitAt: 'INVOKE', code: 0 }, {}, 'Extension.Crash', 'exit code 0'],
      [{ exitError: 'Extension.Lost' }, {}, 'Extension.ExitError', 'Extension.Lost'],
      [{}, { do: 'crash' }, 'Runtime.ExitError', 'exit code 3'],
    ])('fails if a process exits: %j, %j', async (behaviour, event, errorType, errorMessage) => {
      const sandbox = await sandboxes.start({ probe: behaviour, other: {} });
      await sandbox.initialized();
      const result = await sandbox.invoke({ do: 'wait', ms: 2_000, ...event });
      expect(result.error).toEqual({ errorType, errorMessage });
      await hasTold(sandbox, 'other', 'SHUTDOWN');
      expect(toldBy(sandbox, 'other', 'SHUTDOWN')).toMatchObject([{ shutdownReason: 'failure' }]);
      await sandbox.invoke({ do: 'wait', ms: 0 });
      expect(count(sandbox, 'extension started: other')).toBe(2);
    });
  });

  describe('shutdown', () => {
    it('sends SIGTERM to the runtime, then SHUTDOWN, and leaves no process', async () => {
      const sandbox = await sandboxes.start({ probe: {} });
      await sandbox.initialized();
      const { order, processes } = sandbox;
      const report = await sandbox.shutdown();
      expect(sandbox.order.slice(order.length)).toEqual([
        'shutdown',
        'terminated: runtime',
        'exited: runtime',
        'shutdown event: probe',
        'exited: probe',
        'shutdown done',
      ]);
      expect(report).toMatchObject({
        reason: 'spindown',
        processes: [
          { name: 'probe', state: 'Exited', exitCode: 0 },
          { name: 'runtime', state: 'Exited', signal: 'SIGTERM' },
        ],
      });
      expect(processes).toHaveLength(2);
      for (const { pid } of processes) expect(existsSync(`/proc/${pid}`)).toBe(false);
      await expect(sandbox.invoke({})).rejects.toThrow('shut down');
    });

    it('kills late processes at the deadline, and unregistered ones at once', async () => {
      const sandbox = await sandboxes.start(
        { late: { hangAt: 'SHUTDOWN', child: true }, not: { events: ['INVOKE'] } },
        { shutdownLimitMs: 5_000 },
      );
      await sandbox.initialized();
      const report = await sandbox.shutdown('TIMEOUT');
      expect(report.processes).toMatchObject([
        { name: 'late', state: 'ShutdownFailed', signal: 'SIGKILL' },
        { name: 'not', state: 'Exited', signal: 'SIGKILL' },
        { name: 'runtime' },
      ]);
      const { order } = sandbox;
      expect(order.indexOf('killed: not')).toBeLessThan(order.indexOf('killed: late'));
      expect(report.processes[0]!.ms).toBeGreaterThanOrEqual(4_999);
      await hasTold(sandbox, 'late', 'SHUTDOWN');
      const [event] = toldBy(sandbox, 'late', 'SHUTDOWN') as { deadlineMs: number; wall: number }[];
      expect(event!.deadlineMs - event!.wall).toBeLessThanOrEqual(5_000);
    });

    it('gives the runtime only its share of the time', async () => {
      const command = {
        command: 'bash',
        args: ['-c', 'trap "" TERM; echo trapped; exec sleep 600'],
      };
      const sandbox = await sandboxes.start(
        { probe: {} },
        { runtime: command, shutdownLimitMs: 10_000 },
      );
      await sandbox.seen('extension next');
      await sandbox.said('runtime', /trapped/);
      const report = await sandbox.shutdown();
      const steps = sandbox.order.filter((step) => step !== 'init failed');
      expect(steps.slice(-6)).toEqual([
        'terminated: runtime',
        'killed: runtime',
        'exited: runtime',
        'shutdown event: probe',
        'exited: probe',
        'shutdown done',
      ]);
      expect(report.processes).toMatchObject([{ exitCode: 0 }, { signal: 'SIGKILL' }]);
      expect(report.processes[1]!.ms).toBeGreaterThanOrEqual(2_999);
    });

    it('leaves no child process of an extension when it is closed', async () => {
      const sandbox = await sandboxes.start({ probe: { child: true, exitAt: 'SHUTDOWN' } });
      await sandbox.initialized();
      const [child] = toldBy(sandbox, 'probe', 'child') as { pid: number }[];
      await sandbox.shutdown();
      // As on Lambda, the child outlives the extension.
      expect(isAlive(child!.pid)).toBe(true);
      await sandbox.close();
      await until(() => !isAlive(child!.pid));
    });
  });

  it('runs managed invocations at once, refuses INVOKE and never freezes', async () => {
    const initializationType = 'lambda-managed-instances';
    const sandbox = await sandboxes.start(
      { probe: { events: ['SHUTDOWN'] } },
      { initializationType },
    );
    const all = [1, 2, 3].map((number) => sandbox.invoke({ number, do: 'wait', ms: 300 }));
    const results = await Promise.all(all);
    expect(results.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    const { order } = sandbox;
    expect(order.lastIndexOf('invoke')).toBeLessThan(order.indexOf('runtime response: runtime'));
    await expect(sandbox.freeze()).rejects.toThrow('never frozen');
    expect(toldBy(sandbox, 'probe', 'environment')).toMatchObject([
      { AWS_LAMBDA_INITIALIZATION_TYPE: initializationType, AWS_LAMBDA_MAX_CONCURRENCY: '16' },
    ]);

    const other = await sandboxes.start({ probe: {} }, { initializationType });
    await other.initialized();
    expect(toldBy(other, 'probe', 'registered')).toMatchObject([
      { status: 403, errorType: 'Extension.InvalidEventType' },
    ]);
  });
});

function count(sandbox: LambdaSandbox, step: string): number {
  return sandbox.order.filter((one) => one === step).length;
}

/** Whether a process is alive. A zombie counts as dead, because its new parent may reap it late. */
function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !readFileSync(path, 'utf8').includes(') Z ');
}
