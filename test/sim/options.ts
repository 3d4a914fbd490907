/** The command line of `npm run sim`. */
import { parseArgs } from 'node:util';

export interface CommandOptions {
  readonly hours: number;
  readonly seeds: readonly number[];
  /** Lines of the trace before a failure. */
  readonly traceLength: number;
  readonly isHelp: boolean;
}

export const USAGE = `Usage: npm run sim -- [--hours N] [--seed N]... [--from-seed A --seeds K]

Runs two WireGuard devices and a bad network in virtual time, and checks the invariants of the
protocol at each step. A failure prints the command that repeats it.

  --hours N       virtual hours for each seed (default 24)
  --seed N        a seed; may be given more than once (default 1)
  --from-seed A   the first of several seeds in a row
  --seeds K       how many of them (default 10)
  --trace N       after a failure, the last N things that happened (default 30)`;

/** The parsed options, or what is wrong with them. */
export function parseOptions(args: readonly string[]): CommandOptions | string {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        hours: { type: 'string', default: '24' },
        seed: { type: 'string', multiple: true },
        'from-seed': { type: 'string' },
        seeds: { type: 'string' },
        trace: { type: 'string', default: '30' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const hours = wholeNumber(values.hours, 1);
  if (hours === undefined) return '--hours is a whole number from 1 on';
  const traceLength = wholeNumber(values.trace, 0);
  if (traceLength === undefined) return '--trace is a whole number from 0 on';
  const seeds = (values.seed ?? []).map((text) => wholeNumber(text, 0));
  if (values['from-seed'] !== undefined || values.seeds !== undefined) {
    const first = wholeNumber(values['from-seed'] ?? '1', 0);
    const count = wholeNumber(values.seeds ?? '10', 1);
    if (first === undefined) return '--from-seed is a whole number from 0 on';
    if (count === undefined) return '--seeds is a whole number from 1 on';
    for (let index = 0; index < count; index++) seeds.push(first + index);
  }
  if (seeds.length === 0) seeds.push(1);
  const known = seeds.filter((seed) => seed !== undefined);
  if (known.length < seeds.length) return '--seed is a whole number from 0 on';
  return { hours, seeds: known, traceLength, isHelp: values.help };
}

/** The command line that reproduces a failure. */
export function repeatCommand(options: CommandOptions, seed: number): string {
  return `npm run sim -- --hours ${options.hours} --seed ${seed}`;
}

function wholeNumber(text: string, least: number): number | undefined {
  const number = Number(text);
  return /^\d{1,15}$/.test(text) && number >= least ? number : undefined;
}
