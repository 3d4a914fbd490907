/** Selects one running tunnel, for commands that change it. */
import { UserError } from '../../lib/errors/user-error.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { findTunnels, type FindTunnelsOptions, nameOf } from './find-tunnels.js';
import { deniedError } from './show-status.js';

/**
 * Returns the control socket of the tunnel with this name. The name is optional if only one tunnel
 * is running.
 *
 * @throws UserError if no tunnel or several tunnels are running, or if the tunnel does not answer
 */
export async function selectTunnel(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<string> {
  const { reports, silent } = await findTunnels({ folders, name }, connections);
  const [report, ...others] = reports;
  if (report === undefined) throw noTunnel(silent, name);
  if (others.length > 0) {
    throw new UserError('usage', {
      what: 'cannot select a tunnel',
      why: `several tunnels are running: ${reports.map((one) => one.name).join(', ')}`,
      next: ['Choose one with --interface.'],
    });
  }
  const listed = await Promise.all(folders.map((folder) => connections.list(folder)));
  const unanswered = new Set(silent.map(({ path }) => path));
  const path = listed.flat().find((one) => nameOf(one) === report.name && !unanswered.has(one));
  if (path === undefined) throw noTunnel([], name);
  return path;
}

function noTunnel(
  silent: Awaited<ReturnType<typeof findTunnels>>['silent'],
  name: string | undefined,
): UserError {
  const [first] = silent;
  if (first?.isDenied === true) return deniedError(first);
  if (first !== undefined) {
    return new UserError('failed', {
      what: `cannot query ${first.path}`,
      why: first.why,
      next: ['Check the tunnel with "arctun status".'],
    });
  }
  const called = name === undefined ? '' : ` named ${name}`;
  return new UserError('failed', {
    what: 'cannot find a tunnel',
    why: `no "arctun up"${called} is running for this user`,
    next: [
      'Start one with "arctun up --mode userspace", or list the tunnels with "arctun status".',
    ],
  });
}
