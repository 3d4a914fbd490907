import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import { budgetReasons } from './budget-text.js';

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
