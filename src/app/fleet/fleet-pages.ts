/** The pages of --status-listen for a fleet: the SIMs, liveness, readiness and metrics. */
import { messageOf } from '../../lib/errors/error-message.js';
import { inTime } from '../../lib/waits.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import {
  type Page,
  type PageListener,
  startPageListener,
  textPage,
} from '../../proxy/page-listener.js';
import { fleetMetricsText } from '../status/tunnel-metrics.js';
import type { Fleet } from './fleet.js';
import type { ShownSim } from './fleet-table.js';

export interface FleetPageOptions {
  /** The address of the pages; undefined if disabled. */
  readonly statusListen: ListenAddress | undefined;
  /** Which browser origins may read the pages. */
  readonly browsers?: BrowserPolicy | undefined;
  readonly fleet: Pick<Fleet, 'members'>;
  /** The counters of the listeners, by listener name. */
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  readonly version: string;
  /** Aborted when the tunnels are about to close. */
  readonly signal: AbortSignal;
}

/** The data paths' timeout in milliseconds. */
const DEADLINE = 5_000;

/** @throws UserError if the port is unavailable */
export async function openFleetPages(
  options: FleetPageOptions,
  { clock, log }: Pick<TunnelPorts, 'clock' | 'log'>,
): Promise<Pick<PageListener, 'url' | 'close'> | undefined> {
  const { statusListen: listen, browsers } = options;
  if (listen === undefined) return undefined;
  const listener = await startPageListener({
    ...{ listen, flag: '--status-listen', log },
    ...(browsers && { browsers }),
    pages: fleetPages(options, clock),
  });
  log.info({ url: listener.url }, 'status pages listening');
  return listener;
}

export function fleetPages(
  options: FleetPageOptions,
  clock: TunnelPorts['clock'],
): ReadonlyMap<string, () => Promise<Page>> {
  const asked = () => statusesOf(options, clock);
  return new Map([
    ['/', async () => (await import('./fleet-table.js')).tablePage(await asked())],
    ['/page.css', () => pageFile('/page.css')],
    ['/icon.svg', () => pageFile('/icon.svg')],
    ['/sims', async () => listPage(await asked())],
    // All tunnels run in this process, so that an answer means that they are alive.
    ['/livez', () => Promise.resolve(textPage(200, 'alive'))],
    ['/readyz', async () => readyPage(options, await asked())],
    ['/metrics', async () => metricsPage(options, await asked())],
  ]);
}

/** Loads the page when a client first asks for it. */
async function pageFile(path: '/page.css' | '/icon.svg'): Promise<Page> {
  return (await import('../status/page/status-page.js')).pageFile(path);
}

type Statuses = readonly ShownSim[];

/** Returns the status of each SIM; without one if the tunnel is not open. */
function statusesOf({ fleet }: FleetPageOptions, clock: TunnelPorts['clock']): Promise<Statuses> {
  return Promise.all(
    fleet.members.map(async (member) => {
      const sim = { sim: member.name, simId: member.simId };
      try {
        const status = await inTime(member.status(), DEADLINE, clock);
        return { ...sim, status, ...(status === undefined && { problem: 'no answer' }) };
      } catch (error) {
        return { ...sim, status: undefined, problem: messageOf(error) };
      }
    }),
  );
}

/** One SIM suffices, because a probe that fails must not stop the SIMs that work. */
function readyPage({ signal }: FleetPageOptions, statuses: Statuses): Page {
  if (signal.aborted) return textPage(503, 'stopping');
  const up = statuses.filter(({ status }) => status?.health === 'up').length;
  return textPage(up > 0 ? 200 : 503, `${up} of ${statuses.length} tunnels are up`);
}

/** Lists the SIMs for scripts. */
function listPage(statuses: Statuses): Page {
  const lines = statuses.map(
    ({ sim, simId, status }) => `${sim} ${simId || '-'} ${status?.health ?? 'not open'}`,
  );
  return textPage(200, lines.join('\n'));
}

async function metricsPage({ version, counters }: FleetPageOptions, sims: Statuses): Promise<Page> {
  const { contentType, text } = await fleetMetricsText({ version, sims, listeners: counters() });
  return { status: 200, contentType, body: text };
}
