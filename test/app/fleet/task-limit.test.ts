import { TaskLimit } from '../../../src/app/fleet/task-limit.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('runs at most the given number of tasks together, the oldest first', async () => {
  const limit = new TaskLimit(2);
  const begun: number[] = [];
  const end: (() => void)[] = [];
  const runs = [0, 1, 2, 3].map((index) =>
    limit.run(() => {
      begun.push(index);
      return new Promise<number>((resolve) => (end[index] = () => resolve(index)));
    }),
  );
  await turn();
  expect(begun).toEqual([0, 1]);
  end[1]!();
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  end[0]!();
  end[2]!();
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  end[3]!();
  expect(await Promise.all(runs)).toEqual([0, 1, 2, 3]);
});

it('continues after a failed task', async () => {
  const limit = new TaskLimit(1);
  const failed = limit.run(() => Promise.reject(new Error('no')));
  const next = limit.run(() => Promise.resolve('next'));
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('next');
  expect(await limit.run(() => Promise.resolve('last'))).toBe('last');
});
