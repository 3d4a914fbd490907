/** The command line of `npm run fuzz`. */
import { parseArgs } from 'node:util';

export interface CommandOptions {
  readonly runs: number;
  readonly seed: number;
  /** The single datagram to show. */
  readonly only: number | undefined;
  readonly isHelp: boolean;
}

export const USAGE = `Usage: npm run fuzz -- [--runs N] [--seed N] [--only INDEX]

Fires mutated and random datagrams at a WireGuard device that has sessions in both roles. What has to
come of each is known, and is compared exactly: drop counters, packets delivered, answers sent.
Memory is measured at 10, 50 and 100 %. A failure prints the command that repeats it.

  --runs N       datagrams (default 1000000)
  --seed N       the seed that all follows from (default 1)
  --only INDEX   goes the same way up to datagram INDEX, and shows that one`;

/** The parsed options, or what is wrong with them. */
export function parseOptions(args: readonly string[]): CommandOptions | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: '1000000' },
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const runs = wholeNumber(values.runs, 1);
  const seed = wholeNumber(values.seed, 0);
  const only = values.only === undefined ? undefined : wholeNumber(values.only, 0);
  if (runs === undefined) return '--runs is a whole number from 1 on';
  if (seed === undefined) return '--seed is a whole number from 0 on';
  if (values.only !== undefined && only === undefined) return '--only is a whole number from 0 on';
  return { runs, seed, only, isHelp: values.help };
}

function wholeNumber(text: string, least: number): number | undefined {
  const number = Number(text);
  return /^\d{1,15}$/.test(text) && number >= least ? number : undefined;
}
