import { parseArgs } from 'node:util';

export const USAGE = `npm run pool -- [--sandboxes 20] [--sims 40] [--minutes 12]

Starts the emulators of the platform and of Lambda, makes virtual SIMs, and starts sandboxes with the
extension, a function beside each and all SIMs in its configuration. Each function sends a message a
second and is frozen in between. Within 120 s each sandbox must be alone on a SIM, and keep it; no
message that was accepted may be missing.`;

export interface PoolOptions {
  readonly sandboxes: number;
  readonly sims: number;
  readonly minutes: number;
}

/** @throws TypeError for an unknown option, RangeError for an invalid number */
export function parseOptions(args: readonly string[]): PoolOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sandboxes: { type: 'string', default: '20' },
      sims: { type: 'string', default: '40' },
      minutes: { type: 'string', default: '12' },
    },
  });
  return {
    sandboxes: positive(values.sandboxes),
    sims: positive(values.sims),
    minutes: positive(values.minutes),
  };
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new RangeError(`${text} is no positive number`);
  return number;
}
