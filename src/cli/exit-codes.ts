import type { FailureKind } from '../lib/user-error.js';

/** The number with which each kind of failure ends the process. 0 is done. */
export const EXIT_CODES: Readonly<Record<FailureKind, number>> = {
  failed: 1,
  usage: 2,
  configuration: 3,
  api: 4,
  tunnel: 5,
  permission: 6,
};
