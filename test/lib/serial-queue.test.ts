import { SerialQueue } from '../../src/lib/serial-queue.js';

it('starts a task after the previous one has ended, even if that failed', async () => {
  const tasks = new SerialQueue();
  const events: string[] = [];
  const task = (name: string, failure?: Error) => async () => {
    events.push(`${name} begins`);
    await Promise.resolve();
    events.push(`${name} ends`);
    if (failure) throw failure;
    return name;
  };
  const first = tasks.run(task('first', new Error('no')));
  const second = tasks.run(task('second'));
  await expect(first).rejects.toThrow('no');
  await expect(second).resolves.toBe('second');
  expect(events).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});
