import { jest } from '@jest/globals';

import { settled, until } from './until.js';

afterEach(() => jest.useRealTimers());

it('returns when the condition holds', async () => {
  let looks = 0;
  await until(() => ++looks === 3);
  expect(looks).toBe(3);
});

it('reports the condition that was not met, even if its turns never leave the microtasks', async () => {
  const isReady = () => false;
  const turn = () => Promise.resolve();
  await expect(until(isReady, { limit: 20, turn })).rejects.toThrow(
    /^did not happen in 0\.02 s: \(\) ?=> ?false$/,
  );
});

it('ends even with Jest’s fake timers', async () => {
  jest.useFakeTimers();
  await expect(until(() => false, { limit: 20, what: 'rain' })).rejects.toThrow('rain');
});

it('rejects if the promise that it waits for rejects', async () => {
  let turns = 0;
  const failing = new Promise((_, reject) => setTimeout(() => reject(new Error('refused')), 5));
  await expect(settled(failing, () => (turns++, new Promise(setImmediate)))).rejects.toThrow(
    'refused',
  );
  expect(turns).toBeGreaterThan(0);
});
