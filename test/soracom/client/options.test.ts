import { realClock } from '../../../src/soracom/client/options.js';

const LONG = 2 ** 30;

it('sleeps, and its time advances', async () => {
  const before = realClock.now();
  await realClock.sleep(1, undefined);
  await realClock.sleep(1, new AbortController().signal);
  expect(realClock.now()).toBeGreaterThan(before);
});

it('wakes at once when the signal fires, with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('stopped');
  const pause = realClock.sleep(LONG, controller.signal);
  controller.abort(reason);
  await expect(pause).rejects.toBe(reason);
  await expect(realClock.sleep(LONG, controller.signal)).rejects.toBe(reason);
});
