/** Watches for another tunnel with the same key (docs/explanation/rivals.md). */
import { UNIFIED_ENDPOINT } from '../../proxy/forward/target.js';
import type { Clock } from '../../ports/clock.js';
import { pause } from '../../lib/waits.js';
import type { Rival, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { StatusReport } from '../status/status-report.js';
import { type Check, failed, ok, sentence, skipped } from './check.js';

/**
 * The number of connections, a second apart. A rival takes the session with its own messages, which
 * is noticed if a connection of this tunnel then gets no answer.
 */
const CONNECTIONS = 5;
const INTERVAL = 1_000;

/** How long to watch at most, in milliseconds. */
const LONGEST = 9_000;

/**
 * Opens connections that carry no data, and resolves after a few seconds, or at the first sign of a
 * rival.
 */
export async function watchForRival(
  tunnel: Pick<UserspaceTunnel, 'onRival' | 'dialer'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Rival | undefined> {
  const over = new AbortController();
  let rival: Rival | undefined;
  tunnel.onRival((seen) => {
    if (!isRival(seen)) return;
    rival = seen;
    over.abort();
  });
  const ending = AbortSignal.any([signal, over.signal, AbortSignal.timeout(LONGEST)]);
  for (let count = 0; count < CONNECTIONS && !ending.aborted; count++) {
    try {
      const stream = await tunnel.dialer.dial({ host: UNIFIED_ENDPOINT, port: 80 }, ending);
      stream.on('error', () => undefined);
      stream.destroy();
    } catch {
      // Another check reports a target that cannot be reached.
    }
    await pause(INTERVAL, clock, ending);
  }
  signal.throwIfAborted();
  return rival;
}

/** Flows without a lost session may belong to an earlier process. */
export function isRival({ isCertain, isInDoubt }: Rival): boolean {
  return isCertain || isInDoubt;
}

export function rivalResult(rival: Pick<Rival, 'why'> | undefined): Check {
  if (rival === undefined) return ok('rival', 'No sign of another tunnel with this SIM.');
  return failed('rival', {
    kind: 'tunnel',
    text: 'Another tunnel is using this SIM.',
    cause: sentence(rival.why),
    remedy: 'Stop the other tunnel, or give each tunnel its own virtual SIM.',
  });
}

/** Reads the result from a running `up`, which watches all the time. */
export function runningRival({ rival, mode }: Pick<StatusReport, 'rival' | 'mode'>): Check {
  if (rival === undefined && mode === 'kernel') {
    return skipped('rival', 'mode kernel cannot detect another tunnel');
  }
  return rivalResult(rival);
}
