/** Checks the health of one tunnel, for a container health check. */
import { UserError } from '../../lib/errors/user-error.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import type { TunnelHealth } from '../../tunnel/tunnel-status.js';
import { findTunnels, type FindTunnelsOptions } from './find-tunnels.js';
import { healthReasons } from './health-text.js';
import { deniedError } from './show-status.js';

export interface HealthAnswer {
  /** `silent` means that the process does not answer; `none`, that no such tunnel exists. */
  readonly health: TunnelHealth | 'silent' | 'none';
  readonly name: string | undefined;
  /** The reason; undefined if the tunnel is healthy. */
  readonly why: string | undefined;
  /** Whether another tunnel is using the same key, which slows both tunnels down. */
  readonly hasRival: boolean;
}

/**
 * Checks the tunnel with this name. The name is optional if only one tunnel is running.
 *
 * @throws UserError if several tunnels are running, or if the tunnel belongs to another user
 */
export async function checkHealth(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<HealthAnswer> {
  const { reports, silent } = await findTunnels({ folders, name }, connections);
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
        health: 'silent' as const,
        name: tunnel.name,
        why: tunnel.why,
        hasRival: false,
      })),
  ];
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined) throw severalError(answers);
  const [denied] = silent;
  if (denied !== undefined) throw deniedError(denied);
  const running = name === undefined ? [] : await namesOf({ folders }, connections);
  return { health: 'none', name, why: noneText(name, running), hasRival: false };
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
