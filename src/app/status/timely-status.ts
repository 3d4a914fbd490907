/** The status of a tunnel, for whoever cannot wait for ever: a data path that hangs does not answer. */
import { inTime } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export type StatusSource = Pick<Tunnel, 'status'>;

/** @throws Error with a sentence's end for its message where there is none within `timeout` ms */
export async function timelyStatus(
  tunnel: StatusSource,
  timeout: number,
  clock: Clock,
): Promise<TunnelStatus> {
  const status = await inTime(tunnel.status(), timeout, clock);
  if (status !== undefined) return status;
  throw new Error(`the data path has not answered in ${timeout / 1000} s`);
}
