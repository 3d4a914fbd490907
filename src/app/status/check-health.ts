/** Checks the health of one tunnel, or of one process with several SIMs, for a container health check. */
import { UserError } from '../../lib/errors/user-error.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import type { TunnelHealth } from '../../tunnel/tunnel-status.js';
import { findTunnels, type FindTunnelsOptions, type FoundTunnels } from './find-tunnels.js';
import { healthReasons } from './status-texts.js';
import { deniedError } from './show-status.js';

export interface HealthAnswer {
  /**
   * `closed` means that the process answers, but could not open the tunnel; `silent`, that it does
   * not answer; `none`, that no such tunnel exists.
   */
  readonly health: TunnelHealth | 'closed' | 'silent' | 'none';
  readonly name: string | undefined;
  /** The reason; undefined if the tunnel is healthy. */
  readonly why: string | undefined;
  /** Whether another tunnel is using the same key, which slows both tunnels down. */
  readonly hasRival: boolean;
}

/**
 * Checks the tunnel with this name. The name is optional if only one process is running. If this
 * process has several SIMs, one tunnel that is up suffices, as for `/readyz`.
 *
 * @throws UserError if several processes are running, or if the tunnel belongs to another user
 */
export async function checkHealth(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<HealthAnswer> {
  const found = await findTunnels({ folders, name }, connections);
  const { reports, silent } = found;
  const answers: HealthAnswer[] = [
    ...reports.map((report) => ({
      health: report.health,
      name: report.name,
      why: healthReasons(report)[0],
      hasRival: report.rival !== undefined,
    })),
    ...silent
      .filter(({ isDenied }) => !isDenied)
      .map((tunnel) => ({
        health: tunnel.closed === undefined ? ('silent' as const) : ('closed' as const),
        name: tunnel.name,
        why: tunnel.why,
        hasRival: false,
      })),
  ];
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined && isOneProcess(found)) return healthOfSeveral(answers);
  if (only !== undefined) throw severalError(answers);
  const [denied] = silent;
  if (denied !== undefined) throw deniedError(denied);
  const running = name === undefined ? [] : await namesOf({ folders }, connections);
  return { health: 'none', name, why: noneText(name, running), hasRival: false };
}

/** Whether all tunnels are those of one process with several SIMs. */
function isOneProcess({ reports, silent }: FoundTunnels): boolean {
  const pids = [
    ...reports.map(({ isOfFleet, pid }) => (isOfFleet === true ? pid : undefined)),
    ...silent.filter(({ isDenied }) => !isDenied).map(({ closed }) => closed?.pid),
  ];
  return pids[0] !== undefined && new Set(pids).size === 1;
}

function healthOfSeveral(answers: readonly HealthAnswer[]): HealthAnswer {
  const up = answers.filter(({ health }) => health === 'up').length;
  // A process that has no tunnel yet is not different from one that connects.
  const health = (['up', 'connecting', 'closed', 'stale'] as const).find((candidate) =>
    answers.some((answer) => answer.health === candidate),
  );
  return {
    health: health ?? 'none',
    name: undefined,
    why: `${up} of ${answers.length} tunnels are up`,
    hasRival: answers.some(({ hasRival }) => hasRival),
  };
}

async function namesOf(
  options: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<readonly string[]> {
  const { reports, silent } = await findTunnels(options, connections);
  return [...reports, ...silent].map(({ name }) => name);
}

function noneText(name: string | undefined, running: readonly string[]): string {
  if (name === undefined || running.length === 0) return 'no "arctun up" is running';
  return `no "arctun up" with this name is running; other names: ${running.join(', ')}`;
}

function severalError(answers: readonly HealthAnswer[]): UserError {
  const names = answers.map(({ name = '' }) => name).join(', ');
  return new UserError('usage', {
    what: 'cannot select a tunnel',
    why: `several tunnels are running: ${names}`,
    next: ['Choose one with --interface.'],
  });
}
