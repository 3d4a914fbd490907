/** Describes the health of a tunnel, its traffic budget and its spool for people. */
import { bytesText } from '../../lib/text/amounts.js';
import { budgetText } from '../../tunnel/traffic/budget-gate.js';
import { type BudgetUse, isUsedUp, levelOf } from '../../tunnel/traffic/traffic-budget.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import { isoTime } from '../iso-time.js';
import type { SpoolStatus } from '../spool/forwarder-spool.js';

/** `41.2 MB of 50.0 MB used (82 %), resets at 2026-12-01T00:00:00Z` */
export function budgetUseText(use: BudgetUse): string {
  const { bytes, usedBytes, endsUnix } = use;
  // Round down, so that 100 % is shown only if the budget is used up.
  const percent = Math.floor((usedBytes / bytes) * 100);
  const used = `${bytesText(usedBytes)} of ${bytesText(bytes)} used (${percent} %)`;
  return `${used}, resets at ${isoTime(endsUnix)}`;
}

/** Returns a clause for each budget of which 80 % or more is used. */
export function budgetReasons({ traffic }: Pick<TunnelStatus, 'traffic'>): string[] {
  return (traffic?.budget ?? []).flatMap((use) => {
    if (levelOf(use) === 'free') return [];
    const until = `until ${isoTime(use.endsUnix)}`;
    if (!isUsedUp(use)) return [`more than 80 % of ${budgetText(use)} is used`];
    return [`${budgetText(use)} is used up, and new connections are refused ${until}`];
  });
}

/** Returns the budget that refuses new work the longest; undefined if none does. */
export function exhaustedBudget({ traffic }: Pick<TunnelStatus, 'traffic'>): BudgetUse | undefined {
  const exhausted = (traffic?.budget ?? []).filter(isUsedUp);
  return exhausted.sort((a, b) => b.endsUnix - a.endsUnix)[0];
}

export function spoolText({ folder, queued, sending, unknown, refused }: SpoolStatus): string {
  const counts = Object.entries({ sending, unknown, refused })
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `, ${count} ${state}`);
  return `${queued} queued${counts.join('')} (${folder})`;
}

type Reasons = Pick<TunnelStatus, 'silence' | 'rival' | 'traffic'>;

/** Returns `up`, or the health and its reason: `stale: 192.0.2.1:11010 has not answered …`. */
export function healthText(status: Pick<TunnelStatus, 'health'> & Reasons): string {
  return [status.health, ...healthReasons(status)].join(': ');
}

/**
 * Returns the reasons: the server's silence, or a rival tunnel, which slows even a healthy one; and
 * a budget that is used up, or soon will be.
 */
export function healthReasons(status: Reasons): readonly string[] {
  return [...tunnelReasons(status), ...budgetReasons(status)];
}

function tunnelReasons({ silence, rival }: Reasons): readonly string[] {
  if (silence !== undefined) return [silence.why];
  return rival === undefined ? [] : [`another tunnel is using this virtual SIM: ${rival.why}`];
}
