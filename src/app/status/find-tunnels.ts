/** Asks the running tunnels of this machine how they do. */
import { codeOf, messageOf, ownerOf } from '../../lib/errors/error-message.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { LINE_END, readStatusAnswer, STATUS_REQUEST } from './control-session.js';
import type { StatusReport } from './status-report.js';

/** A socket of a tunnel that gave no report. */
export interface SilentTunnel {
  readonly name: string;
  readonly path: string;
  /** A sentence's end. */
  readonly why: string;
  /** It belongs to another user. */
  readonly isDenied: boolean;
  /** Whose it is, if it is denied. */
  readonly owner?: string | undefined;
}

export interface FoundTunnels {
  /** By name. */
  readonly reports: readonly StatusReport[];
  readonly silent: readonly SilentTunnel[];
}

export interface FindTunnelsOptions {
  readonly folders: readonly string[];
  /** Of the one that is looked for; all where it is undefined. */
  readonly name?: string | undefined;
}

/** A socket that a process has left behind is passed over. Never rejects. */
export async function findTunnels(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<FoundTunnels> {
  const listed = await Promise.all(folders.map((folder) => connections.list(folder)));
  const paths = listed.flat().filter((path) => name === undefined || nameOf(path) === name);
  const answers = await Promise.all(paths.map((path) => ask(path, connections)));
  const reports: StatusReport[] = [];
  const silent: SilentTunnel[] = [];
  for (const answer of answers) {
    if (answer === undefined) continue;
    if ('why' in answer) silent.push(answer);
    else reports.push(answer);
  }
  return { reports: reports.sort(byName), silent: silent.sort(byName) };
}

async function ask(
  path: string,
  connections: LocalConnections,
): Promise<StatusReport | SilentTunnel | undefined> {
  try {
    return readStatusAnswer(await connections.ask(path, STATUS_REQUEST, LINE_END));
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (isAbandoned(code)) return undefined;
    const isDenied = code === 'EACCES' || code === 'EPERM';
    const owner = ownerOf(error);
    const why = isDenied
      ? `permission denied: it is owned by ${owner ?? 'another user'}`
      : messageOf(error);
    return { name: nameOf(path), path, why, isDenied, owner };
  }
}

/** Whether nobody is at a socket any more that is still on the disk, or just was. */
export function isAbandoned(code: string | undefined): boolean {
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

/** `/run/arctun/soratun0.sock` is `soratun0`'s. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.sock$/, '');
}

interface Named {
  readonly name: string;
}

function byName(one: Named, other: Named): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}
