/** A function of many behaviours, by the member `do` of its event, for the tests of the sandbox itself. */
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
