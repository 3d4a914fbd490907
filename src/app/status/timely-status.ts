/** Reads the status of a tunnel with a timeout, because a hung data path never answers. */
import { inTime } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export type StatusSource = Pick<Tunnel, 'status'>;

/**
 * @throws Error if no status arrives within `timeout` ms; its message is worded as the end of a
 * sentence
 */
export async function timelyStatus(
  tunnel: StatusSource,
  timeout: number,
  clock: Clock,
): Promise<TunnelStatus> {
  const status = await inTime(tunnel.status(), timeout, clock);
  if (status !== undefined) return status;
  throw new Error(`the data path did not answer within ${timeout / 1000} s`);
}
