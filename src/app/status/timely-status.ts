/** The status of a tunnel, for whoever cannot wait for ever: a data path that hangs does not answer. */
import type { Clock, Timer } from '../../ports/clock.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export type StatusSource = Pick<Tunnel, 'status'>;

/** @throws Error with a sentence's end for its message where there is none within `timeout` ms */
export async function timelyStatus(
  tunnel: StatusSource,
  timeout: number,
  clock: Clock,
): Promise<TunnelStatus> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.startTimer(timeout, () => {
      reject(new Error(`the data path has not answered in ${timeout / 1000} s`));
    });
  });
  try {
    return await Promise.race([tunnel.status(), late]);
  } finally {
    timer?.cancel();
  }
}
