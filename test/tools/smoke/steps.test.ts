import { getEventListeners } from 'node:events';

import { NotPossible, orAborted, pause, runSteps } from '../../../tools/smoke/steps.js';

type Step = Parameters<typeof runSteps>[0][number];

const never = new AbortController().signal;

function step(run: Step['run'], more: Partial<Step> = {}): Step {
  return { title: 'a step', limit: 60, run, ...more };
}

const outcomes = async (steps: readonly Step[], stop = never) =>
  (await runSteps(steps, { stop })).map(({ outcome, reason }) => [outcome, reason]);

it('continues after a step that failed or was not possible, and reports why', async () => {
  const steps = [
    step(() => Promise.reject(new Error('no answer'))),
    step(() => Promise.reject(new NotPossible('no tunnel was opened'))),
    step(() => Promise.resolve()),
  ];
  expect(await outcomes(steps)).toEqual([
    ['failed', 'no answer'],
    ['not possible', 'no tunnel was opened'],
    ['passed', ''],
  ]);
});

it('keeps the facts of a step that failed later', async () => {
  const failing = step(({ note }) => {
    note('round trip', 12);
    return Promise.reject(new Error('lost'));
  });
  const [result] = await runSteps([failing], { stop: never });
  expect(result).toMatchObject({ outcome: 'failed', facts: [['round trip', '12']] });
});

it('reports each result as soon as it is known', async () => {
  const seen: string[] = [];
  const steps = [step(() => Promise.resolve(), { title: 'one' }), step(() => Promise.resolve())];
  await runSteps(steps, { stop: never, onResult: ({ title }) => void seen.push(title) });
  expect(seen).toEqual(['one', 'a step']);
});

describe('after a stop', () => {
  it('ends the running step, skips the others, and runs those that clean up', async () => {
    const stop = new AbortController();
    let isClean = false;
    const steps = [
      step(({ signal }) => {
        stop.abort(new Error('stopped by SIGINT'));
        return orAborted(new Promise<void>(() => undefined), signal);
      }),
      step(() => Promise.reject(new Error('must not run'))),
      step(
        ({ signal }) => {
          isClean = !signal.aborted;
          return Promise.resolve();
        },
        { always: true },
      ),
    ];
    expect(await outcomes(steps, stop.signal)).toEqual([
      ['not possible', 'stopped by SIGINT'],
      ['not possible', 'stopped by SIGINT'],
      ['passed', ''],
    ]);
    expect(isClean).toBe(true);
  });
});

it.each([false, true])('fails a step at its limit, also one that cleans up: %s', async (always) => {
  const hanging = step(({ signal }) => orAborted(new Promise<void>(() => undefined), signal), {
    limit: 0.01,
    always,
  });
  expect(await outcomes([hanging])).toEqual([['failed', 'not done after 0.01 s']]);
});

it('continues with the steps that clean up after one that never ends', async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const hang = () => {
    stop.abort(new Error('stopped by SIGINT'));
    return new Promise<void>(() => undefined);
  };
  const steps = [
    step(() => new Promise<void>(() => undefined), { title: 'late', limit: 0.01 }),
    step(hang, { title: 'stopped' }),
    step(() => Promise.resolve(), { title: 'clean', always: true }),
  ];
  const onResult = ({ title, outcome }: { title: string; outcome: string }) =>
    void seen.push(`${title}: ${outcome}`);
  await runSteps(steps, { stop: stop.signal, endLimit: 10, onResult });
  expect(seen).toEqual(['late: failed', 'stopped: not possible', 'clean: passed']);
});

it('waits for a step that ends after its signal', async () => {
  let isOver = false;
  const slow = step(
    async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setTimeout(resolve, 20));
      isOver = true;
    },
    { limit: 0.01 },
  );
  await runSteps([slow], { stop: never });
  expect(isOver).toBe(true);
});

it('pause ends with the reason of the signal, and leaves no listener', async () => {
  const { signal } = new AbortController();
  await pause(1, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const aborted = AbortSignal.abort(new Error('stopped by SIGTERM'));
  await expect(pause(60_000, aborted)).rejects.toThrow('stopped by SIGTERM');
});
