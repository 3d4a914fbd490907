/** A frozen sandbox whose wall clock continues. */
import { readFileSync } from 'node:fs';

import { describeWith, LAMBDA_SANDBOX } from '../runner/requirements.js';
import { Sandboxes, toldBy } from './probe.js';
import { until } from '../until.js';

const TEN_MINUTES = 600_000;

interface Clocks {
  readonly wall: number;
  readonly monotonic: number;
  readonly deadlineMs: number;
}

const sandboxes = new Sandboxes();

afterEach(() => sandboxes.close());

describeWith(LAMBDA_SANDBOX, 'a frozen sandbox', () => {
  it('does nothing until it is thawed', async () => {
    const sandbox = await sandboxes.start({ probe: { ticks: true, child: true } });
    await sandbox.initialized();
    await sandbox.said('probe', /tick/);
    const [child] = toldBy(sandbox, 'probe', 'child') as { pid: number }[];
    await sandbox.freeze();
    // Output written before the freeze may still be in the pipe.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ticks = toldBy(sandbox, 'probe', 'tick').length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(toldBy(sandbox, 'probe', 'tick')).toHaveLength(ticks);
    for (const pid of [child!.pid, ...sandbox.processes.map((one) => one.pid)]) {
      expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') T ');
    }
    sandbox.thaw();
    const lines = sandbox.log.length;
    await sandbox.said('probe', /tick/);
    await until(() => sandbox.log.length > lines);
  });

  it('continues with the next invocation, or with its shutdown', async () => {
    const sandbox = await sandboxes.start({ probe: {} }, { freezeBetweenInvokes: true });
    await sandbox.invoke({ number: 1 });
    expect(sandbox.order.slice(-2)).toEqual(['invoke done', 'frozen']);
    expect(await sandbox.invoke({ number: 2 })).toMatchObject({ response: '{"number":2}' });
    expect(sandbox.order.filter((step) => step === 'thawed')).toHaveLength(1);
    expect((await sandbox.shutdown()).processes).toMatchObject([{ exitCode: 0 }, {}]);
  });

  it('can be closed while frozen', async () => {
    const sandbox = await sandboxes.start({ probe: {} });
    await sandbox.initialized();
    await sandbox.freeze();
    await sandbox.close();
    expect(sandbox.processes).toEqual([]);
  });
});

describeWith([...LAMBDA_SANDBOX, 'faketime'], 'a wall clock that jumps', () => {
  it('jumps for all processes and for the deadlines, unlike monotonic clocks', async () => {
    const sandbox = await sandboxes.start({ probe: {} }, { fakeClock: true });
    await sandbox.invoke({});
    await sandbox.freeze();
    sandbox.jumpClock(TEN_MINUTES);
    sandbox.thaw();
    await sandbox.invoke({});
    const [before, after] = toldBy(sandbox, 'probe', 'INVOKE') as Clocks[];
    expect(after!.wall - before!.wall).toBeGreaterThanOrEqual(TEN_MINUTES);
    expect(after!.monotonic - before!.monotonic).toBeLessThan(TEN_MINUTES);
    expect(after!.deadlineMs).toBeGreaterThan(after!.wall);
    sandbox.jumpClock(-2 * TEN_MINUTES);
    await sandbox.invoke({});
    const [, , back] = toldBy(sandbox, 'probe', 'INVOKE') as Clocks[];
    expect(back!.wall).toBeLessThan(before!.wall);
  });

  it('may jump before the first invocation, as when a snapshot is restored', async () => {
    const initializationType = 'snap-start';
    const sandbox = await sandboxes.start({ probe: {} }, { fakeClock: true, initializationType });
    await sandbox.initialized();
    await sandbox.freeze();
    sandbox.jumpClock(TEN_MINUTES);
    await sandbox.invoke({});
    expect(toldBy(sandbox, 'probe', 'environment')).toMatchObject([
      { AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start' },
    ]);
    const [event] = toldBy(sandbox, 'probe', 'INVOKE') as Clocks[];
    expect(event!.wall - Date.now()).toBeGreaterThan(TEN_MINUTES / 2);
  });

  it('is refused if the sandbox was started without it', async () => {
    const sandbox = await sandboxes.start({});
    expect(() => sandbox.jumpClock(1)).toThrow('fakeClock');
  });
});
