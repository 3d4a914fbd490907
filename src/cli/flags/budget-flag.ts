/** The flag for a traffic budget. */
import { cannotUse, UserError } from '../../lib/errors/user-error.js';
import { parseBytes } from '../../lib/text/amounts.js';
import type { TrafficBudget } from '../../tunnel/traffic/traffic-budget.js';
import * as Flags from './flag.js';
import { hasInterface } from './tunnel-flags.js';

export const budgetFlag = Flags.grouped('Tunnel', {
  budget: Flags.list({
    description:
      'Refuse new connections after the SIM has sent and received this much in the day or month (UTC), in kB, MB or GB. Repeatable, or separated by commas.',
    helpValue: 'AMOUNT/day|month',
    env: 'ARCTUN_BUDGET',
  }),
});

type BudgetText = readonly string[] | undefined;

/** The smallest budget in bytes. Handshakes alone use more than this in an hour. */
const SMALLEST = 1_000;

/**
 * @returns undefined if no budget is requested
 * @throws UserError of kind `usage`
 */
export function trafficBudget({
  budget: texts = [],
}: {
  readonly budget?: BudgetText;
}): TrafficBudget | undefined {
  const parts = texts.flatMap(partsOf);
  const budget: { day?: number; month?: number } = {};
  for (const part of parts) {
    const { per, bytes } = parseBudget(part);
    if (budget[per] !== undefined) {
      const why = `it sets the budget per ${per} twice`;
      throw wrong(part, why, `Set one budget per ${per}.`);
    }
    budget[per] = bytes;
  }
  return Object.keys(budget).length === 0 ? undefined : budget;
}

/** An empty text requests no budget; other texts without an amount are mistakes. */
function partsOf(text: string): readonly string[] {
  if (text === '') return [];
  const parts = text.split(',').map((part) => part.trim());
  const given = parts.filter((part) => part !== '');
  if (given.length === 0) throw wrong(`"${text}"`, 'the value contains no amount', EXAMPLES);
  return given;
}

const EXAMPLES = 'Use a value such as 500kB/day, 50MB/day or 1.5GB/month.';

function parseBudget(text: string): { per: 'day' | 'month'; bytes: number } {
  const [, amount = '', per] = /^(.+)\/(day|month)$/.exec(text) ?? [];
  const bytes = parseBytes(amount);
  if ((per === 'day' || per === 'month') && bytes !== undefined && bytes >= SMALLEST) {
    return { per, bytes };
  }
  const why = 'the value must be at least 1kB, with a unit, per day or month';
  throw wrong(text, why, EXAMPLES);
}

/**
 * Refuses a budget with a network interface, which arctun could keep only by dropping packets. A
 * budget from the environment must not be ignored either.
 *
 * @throws UserError of kind `usage`
 */
export function refuseInterfaceBudget(flags: {
  readonly mode: string;
  readonly budget?: BudgetText;
}): void {
  const budget = trafficBudget(flags);
  if (budget === undefined || !hasInterface(flags.mode)) return;
  throw cannotUse(
    `--budget with --mode=${flags.mode}`,
    'in this mode, programs use the network interface, and arctun could only drop their packets without a reason',
    'Use --mode=userspace, or remove --budget (ARCTUN_BUDGET).',
  );
}

function wrong(text: string, why: string, next: string): UserError {
  return new UserError('usage', { what: `cannot use --budget=${text}`, why, next: [next] });
}
