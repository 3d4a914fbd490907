/** Keeps the tunnels of several SIMs open until the user or the system stops them. */
import { StoppedError } from '../../lib/errors/stopped-error.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { inTime, whenAborted } from '../../lib/waits.js';
import type { ReloadRequests } from '../../ports/reload-requests.js';
import type { UserspaceAddresses } from '../up/running-tunnel.js';
import { ServiceStates, type ServiceStatesOptions } from '../up/service-states.js';
import { Fleet, type FleetOptions, type FleetPorts } from './fleet.js';
import { type FleetListenerOptions, openFleetListeners } from './fleet-listeners.js';
import { type MemberReport, upCountText } from './fleet-member.js';
import { type FleetPageOptions, openFleetPages } from './fleet-pages.js';

export interface RunFleetOptions extends FleetOptions, FleetListenerOptions {
  readonly pages: Pick<FleetPageOptions, 'statusListen' | 'browsers'>;
  /** How long to wait for all SIMs before `onUp`, in milliseconds; 0 waits forever. */
  readonly wait: number;
  readonly signal: AbortSignal;
  /** The source of requests to read the configurations again; undefined if none can arrive. */
  readonly reloads: ReloadRequests | undefined;
  /** Called once, when each SIM is up or has failed, or after `wait`. */
  readonly onUp: (up: FleetUp) => void;
}

export interface FleetUp extends UserspaceAddresses {
  readonly sims: readonly MemberReport[];
  /** The URL of the status pages; undefined if disabled. */
  readonly status: string | undefined;
}

export interface RunFleetPorts extends FleetPorts, Pick<ServiceStatesOptions, 'manager'> {}

/** See run-tunnel.ts. */
const GRACE = 5_000;

/**
 * Runs the tunnels. A SIM whose tunnel fails does not stop the others. Resolves after a stop, when
 * everything is closed.
 *
 * @throws UserError if there is no configuration, or a port is unavailable; StoppedError after
 * SIGABRT
 */
export async function runFleet(options: RunFleetOptions, ports: RunFleetPorts): Promise<void> {
  const { signal } = options;
  const states = new ServiceStates(ports);
  const fleet = new Fleet(options, ports);
  let listeners: Awaited<ReturnType<typeof openFleetListeners>> | undefined;
  let pages: Awaited<ReturnType<typeof openFleetPages>>;
  try {
    listeners = await openFleetListeners(options, fleet, ports);
    const { counters } = { counters: () => listeners?.counters() ?? {} };
    const { version, pages: page } = options;
    pages = await openFleetPages({ ...page, version, fleet, counters, signal }, ports);
    const { settled } = await fleet.start();
    states.watchSeveral(async () => upCountText(await fleet.report()));
    options.reloads?.onRequest(() => void states.reload(() => fleet.reload()));
    await untilSettled(settled, options, ports);
    if (!signal.aborted) {
      states.ready();
      const sims = await fleet.report();
      options.onUp({ ...listeners.addresses(), sims, status: pages?.url });
      await whenAborted(signal);
    }
    await states.stopping();
  } catch (error) {
    await states.stopping(messageOf(error));
    throw error;
  } finally {
    options.reloads?.onRequest(() => undefined);
    const grace = signal.aborted ? GRACE : 0;
    await Promise.all([listeners?.close(grace), pages?.close()]);
    await fleet.close(grace);
  }
  const reason: unknown = signal.reason;
  if (reason instanceof StoppedError && reason.isFailure) throw reason;
}

async function untilSettled(
  settled: Promise<void>,
  { wait, signal }: RunFleetOptions,
  { clock }: RunFleetPorts,
): Promise<void> {
  const waiting = wait === 0 ? settled : inTime(settled, wait, clock, signal);
  await Promise.race([waiting.catch(() => undefined), whenAborted(signal)]);
}
