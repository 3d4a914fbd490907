import { TaskLimit } from '../../src/lib/task-limit.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

const PATIENCE = 1_000;

let clock: FakeClock;
beforeEach(() => (clock = new FakeClock()));

function limitOf(most: number): TaskLimit {
  return new TaskLimit({ most, patience: { ms: PATIENCE, timers: clock } });
}

/** A task that runs until end() is called. */
class Task {
  readonly #names: string[];
  readonly #name: string;
  #end: (failure?: Error) => void = () => undefined;

  constructor(names: string[], name: string) {
    this.#names = names;
    this.#name = name;
  }

  readonly run = (): Promise<string> => {
    this.#names.push(this.#name);
    return new Promise((resolve, reject) => {
      this.#end = (failure) => (failure === undefined ? resolve(this.#name) : reject(failure));
    });
  };

  async end(failure?: Error): Promise<void> {
    // The task may start only now.
    await settled();
    this.#end(failure);
    await settled();
  }
}

/** Lets all promises that can settle do so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

it('runs two tasks at once, and the others in their order, even if one fails', async () => {
  const limit = limitOf(2);
  const started: string[] = [];
  const tasks = ['a', 'b', 'c', 'd', 'e'].map((name) => new Task(started, name));
  const results = tasks.map((task) => limit.run(task.run));
  await settled();
  expect(started).toEqual(['a', 'b']);
  const failure = new Error('no');
  const failed = expect(results[1]).rejects.toBe(failure);
  await tasks[1]?.end(failure);
  await failed;
  expect(started).toEqual(['a', 'b', 'c']);
  await tasks[2]?.end();
  await tasks[0]?.end();
  expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
  await tasks[4]?.end();
  await tasks[3]?.end();
  const outcomes = await Promise.allSettled(results);
  expect(outcomes.map((outcome) => 'value' in outcome && outcome.value)).toEqual([
    ...['a', false, 'c', 'd', 'e'],
  ]);
});

it('has all its places again after all tasks have ended', async () => {
  const limit = limitOf(2);
  const started: string[] = [];
  const early = ['a', 'b', 'c'].map((name) => new Task(started, name));
  const results = early.map((task) => limit.run(task.run));
  for (const task of early) await task.end();
  await Promise.all(results);
  const late = ['d', 'e', 'f'].map((name) => new Task(started, name));
  for (const task of late) void limit.run(task.run);
  await settled();
  expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('rejects at once when a waiting task is aborted, and never starts it', async () => {
  const limit = limitOf(1);
  const started: string[] = [];
  const first = new Task(started, 'first');
  const running = limit.run(first.run);
  const controller = new AbortController();
  const aborted = limit.run(new Task(started, 'aborted').run, controller.signal);
  const last = new Task(started, 'last');
  const waiting = limit.run(last.run, new AbortController().signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  await first.end();
  expect(await running).toBe('first');
  expect(started).toEqual(['first', 'last']);
  await last.end();
  expect(await waiting).toBe('last');
});

it('does not end a task that runs when its signal aborts', async () => {
  const limit = limitOf(1);
  const task = new Task([], 'task');
  const controller = new AbortController();
  const running = limit.run(task.run, controller.signal);
  controller.abort();
  await task.end();
  expect(await running).toBe('task');
});

it('rejects a task whose signal is aborted already, although there is a place', async () => {
  const limit = limitOf(1);
  const started: string[] = [];
  const reason = new Error('enough');
  const aborted = limit.run(new Task(started, 'aborted').run, AbortSignal.abort(reason));
  await expect(aborted).rejects.toBe(reason);
  const next = new Task(started, 'next');
  void limit.run(next.run);
  await settled();
  expect(started).toEqual(['next']);
});

it('starts the next task after a second if a task hangs, and then counts correctly', async () => {
  const limit = limitOf(1);
  const started: string[] = [];
  const tasks = ['hung', 'second', 'third', 'fourth'].map((name) => new Task(started, name));
  const results = tasks.map((task) => limit.run(task.run));
  await settled();
  clock.advance(PATIENCE - 1);
  await settled();
  expect(started).toEqual(['hung']);
  clock.advance(1);
  await settled();
  expect(started).toEqual(['hung', 'second']);
  // The hung task does not count any more, so its end does not start a task.
  await tasks[0]?.end();
  expect(await results[0]).toBe('hung');
  expect(started).toEqual(['hung', 'second']);
  await tasks[1]?.end();
  expect(started).toEqual(['hung', 'second', 'third']);
  // The timer of the second task was canceled.
  clock.advance(PATIENCE - 1);
  await settled();
  expect(started).toEqual(['hung', 'second', 'third']);
  expect(clock.armed).toBe(1);
});

it('starts the next task after a task that throws instead of returning a promise', async () => {
  const limit = limitOf(1);
  const failure = new Error('no');
  const failed = limit.run(() => {
    throw failure;
  });
  await expect(failed).rejects.toBe(failure);
  expect(await limit.run(() => Promise.resolve('next'))).toBe('next');
});
