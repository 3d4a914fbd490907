/** Watches for another tunnel with the same key (docs/explanation/rivals.md). */
import { UNIFIED_ENDPOINT } from '../../proxy/forward/target.js';
import type { Clock } from '../../ports/clock.js';
import { pause } from '../../lib/waits.js';
import type { Rival, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { StatusReport } from '../status/status-report.js';
import { type Check, failed, ok, sentence, skipped } from './check.js';

/**
 * When to connect, in milliseconds after the check of the Unified Endpoint has started to connect. A
 * rival needs about a second to take the session with its own messages, which is noticed if a later
 * connection of this tunnel gets no answer.
 */
const MOMENTS = { usual: [2_000], long: [1_000, 2_000, 3_000, 4_000] };

/** How long to watch at most, in milliseconds. */
const LONGEST = 9_000;

/** Opens connections that carry no data, until the last one is answered, or a rival is noticed. */
export async function watchForRival(
  tunnel: Pick<UserspaceTunnel, 'onRival' | 'dialer'>,
  duration: keyof typeof MOMENTS,
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
  const start = clock.now();
  for (const moment of MOMENTS[duration]) {
    await pause(Math.max(0, start + moment - clock.now()), clock, ending);
    if (ending.aborted) break;
    try {
      const stream = await tunnel.dialer.dial({ host: UNIFIED_ENDPOINT, port: 80 }, ending);
      stream.on('error', () => undefined);
      stream.destroy();
    } catch {
      // Another check reports a target that cannot be reached.
    }
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
