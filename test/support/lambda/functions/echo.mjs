/** A function for the sandbox's tests that behaves as the member `do` of its event says. */
import { setTimeout as sleep } from 'node:timers/promises';

const BEHAVIOURS = {
  hang: () => sleep(600_000),
  crash: () => process.exit(3),
  environment: () => process.env,
  fail: () => {
    throw new TypeError('as asked');
  },
  wait: ({ ms }) => sleep(ms),
  log: () => console.log('a line of the function'),
};

export const handler = async (event) => (await BEHAVIOURS[event.do]?.(event)) ?? event;
