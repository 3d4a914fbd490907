/** The health of one tunnel, for a container's probe. */
import { UserError } from '../lib/user-error.js';
import type { LocalConnections } from '../tunnel/ports.js';
import type { TunnelHealth } from '../tunnel/tunnel-status.js';
import { findTunnels } from './find-tunnels.js';
import { deniedError } from './show-status.js';

export interface CheckHealthOptions {
  /** Where control sockets are. */
  readonly folders: readonly string[];
  /** As `status` calls it; undefined where there is one alone. */
  readonly name?: string | undefined;
}

export interface HealthAnswer {
  /** `silent`: its process does not answer. `none`: there is no such tunnel. */
  readonly health: TunnelHealth | 'silent' | 'none';
  readonly name: string | undefined;
  /** undefined where nothing is wrong. */
  readonly why: string | undefined;
}

/** @throws UserError where there are several, or it is another user's */
export async function checkHealth(
  { folders, name }: CheckHealthOptions,
  connections: LocalConnections,
): Promise<HealthAnswer> {
  const { reports, silent } = await findTunnels({ folders, name }, connections);
  const answers: HealthAnswer[] = [
    ...reports.map((report) => ({
      health: report.health,
      name: report.name,
      why: report.silence?.why,
    })),
    ...silent
      .filter(({ isDenied }) => !isDenied)
      .map((tunnel) => ({ health: 'silent' as const, name: tunnel.name, why: tunnel.why })),
  ];
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined) throw severalError(answers);
  const [denied] = silent;
  if (denied !== undefined) throw deniedError(denied);
  return { health: 'none', name, why: 'no "arctun up" is running' };
}

function severalError(answers: readonly HealthAnswer[]): UserError {
  const names = answers.map(({ name = '' }) => name).join(', ');
  return new UserError('usage', {
    what: 'cannot tell which tunnel is meant',
    why: `there are several: ${names}`,
    next: ['Name one with --interface.'],
  });
}
