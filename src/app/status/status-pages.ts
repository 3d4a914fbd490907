/** The pages of --status-listen: liveness, readiness and metrics. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { PortForwards } from '../../proxy/port-forward/port-forwards.js';
import { type Page, textPage } from '../../proxy/page-listener.js';
import type { Clock } from '../../ports/clock.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';
import type { SpoolStatus } from '../spool/forwarder-spool.js';
import { healthText } from './status-texts.js';
import { metricsText } from './tunnel-metrics.js';
import { inTime } from '../../lib/waits.js';
import type { Tunnel } from '../../tunnel/tunnel.js';

export interface StatusPagesOptions {
  /** The tunnel; undefined until it is open. */
  readonly tunnel: () => StatusSource | undefined;
  /** The counters of arctun's listeners, by listener name. */
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  /** The port forwards; undefined if the mode does not support them. */
  readonly forwards?: PortForwards | undefined;
  /** Returns how many messages the spool has in each state; undefined without a spool. */
  readonly spool?: (() => Promise<SpoolStatus>) | undefined;
  readonly version: string;
  readonly clock: Clock;
  /**
   * Aborted when the tunnel is about to close, so that load balancers stop sending new traffic
   * here.
   */
  readonly signal: AbortSignal;
}

/** The data path's timeout in milliseconds. */
const DEADLINE = 5_000;

export function statusPages(options: StatusPagesOptions): ReadonlyMap<string, () => Promise<Page>> {
  return new Map([
    ['/livez', () => livePage(options)],
    ['/readyz', () => readyPage(options)],
    ['/metrics', () => metricsPage(options)],
  ]);
}

/**
 * The page does not depend on the server, because restarting this process would not fix a server
 * outage.
 */
async function livePage({ tunnel, clock }: StatusPagesOptions): Promise<Page> {
  const source = tunnel();
  if (source === undefined) return textPage(200, 'opening');
  try {
    await timelyStatus(source, DEADLINE, clock);
    return textPage(200, 'alive');
  } catch (error) {
    return textPage(503, messageOf(error));
  }
}

async function readyPage({ tunnel, clock, signal }: StatusPagesOptions): Promise<Page> {
  if (signal.aborted) return textPage(503, 'stopping');
  const source = tunnel();
  if (source === undefined) return textPage(503, 'opening');
  try {
    const status = await timelyStatus(source, DEADLINE, clock);
    return textPage(status.health === 'up' ? 200 : 503, healthText(status));
  } catch (error) {
    return textPage(503, messageOf(error));
  }
}

async function metricsPage(options: StatusPagesOptions): Promise<Page> {
  const { tunnel, counters, forwards, spool, version, clock } = options;
  const source = tunnel();
  let status: TunnelStatus | undefined;
  if (source !== undefined) {
    // Ignore the error: the metric arctun_up shows that the tunnel is not answering.
    status = await timelyStatus(source, DEADLINE, clock).catch(() => undefined);
  }
  const { contentType, text } = await metricsText({
    version,
    status,
    listeners: counters(),
    forwards: forwards?.list() ?? [],
    // Without the metric, a monitoring system notices that the folder cannot be read.
    spool: await spool?.().catch(() => undefined),
  });
  return { status: 200, contentType, body: text };
}

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
