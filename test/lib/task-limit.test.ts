import { TaskLimit } from '../../src/lib/task-limit.js';

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
  const limit = new TaskLimit(2);
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
  const limit = new TaskLimit(2);
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
  const limit = new TaskLimit(1);
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
  const limit = new TaskLimit(1);
  const task = new Task([], 'task');
  const controller = new AbortController();
  const running = limit.run(task.run, controller.signal);
  controller.abort();
  await task.end();
  expect(await running).toBe('task');
});
