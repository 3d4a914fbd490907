/** A function for the sandbox's tests that behaves as the member `do` of its event says. */
import { setTimeout as sleep } from 'node:timers/promises';

const BEHAVIOURS = {
  hang: () => sleep(600_000),
  crash: () => process.exit(3),
  environment: () => process.env,
  wait: ({ ms }) => sleep(ms),
};

export const handler = async (event) => (await BEHAVIOURS[event.do]?.(event)) ?? event;
