/** Asks the running tunnels on this machine for their status. */
import { codeOf, messageOf, ownerOf } from '../../lib/errors/error-message.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { LINE_END, readClosedAnswer, readStatusAnswer, STATUS_REQUEST } from './control-session.js';
import type { ClosedTunnel, StatusReport } from './status-report.js';

/** A tunnel that has a socket but returned no report. */
export interface SilentTunnel {
  readonly name: string;
  readonly path: string;
  /** The reason for the missing report, worded as the end of a sentence. */
  readonly why: string;
  /** Whether access to the socket is denied because it belongs to another user. */
  readonly isDenied: boolean;
  /** The owner of the socket, if access is denied. */
  readonly owner?: string | undefined;
  /** Set if the process answers, but the tunnel of this SIM is not open. */
  readonly closed?: ClosedTunnel | undefined;
}

export interface FoundTunnels {
  /** The reports, sorted by name. */
  readonly reports: readonly StatusReport[];
  /** The control socket of each reported tunnel. */
  readonly sockets: ReadonlyMap<StatusReport, string>;
  readonly silent: readonly SilentTunnel[];
}

export interface FindTunnelsOptions {
  /** Folders that contain control sockets. */
  readonly folders: readonly string[];
  /** The name of the tunnel to find, as `status` shows it; undefined for all. */
  readonly name?: string | undefined;
}

/** Finds the tunnels. Skips abandoned sockets. Never rejects. */
export async function findTunnels(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<FoundTunnels> {
  const listed = await Promise.all(folders.map((folder) => connections.list(folder)));
  const paths = listed.flat().filter((path) => name === undefined || nameOf(path) === name);
  const answers = await Promise.all(paths.map((path) => ask(path, connections)));
  const sockets = new Map<StatusReport, string>();
  const silent: SilentTunnel[] = [];
  for (const [index, answer] of answers.entries()) {
    if (answer === undefined) continue;
    if ('why' in answer) silent.push(answer);
    else sockets.set(answer, paths[index] ?? '');
  }
  return { reports: [...sockets.keys()].sort(byName), sockets, silent: silent.sort(byName) };
}

async function ask(
  path: string,
  connections: LocalConnections,
): Promise<StatusReport | SilentTunnel | undefined> {
  try {
    const answer = await connections.ask(path, STATUS_REQUEST, LINE_END);
    const closed = readClosedAnswer(answer);
    if (closed !== undefined) return { name: nameOf(path), path, isDenied: false, ...closed };
    return readStatusAnswer(answer);
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (isAbandoned(code)) return undefined;
    const isDenied = code === 'EACCES' || code === 'EPERM';
    const owner = ownerOf(error);
    const why = isDenied
      ? `permission denied: the socket is owned by ${owner ?? 'another user'}`
      : messageOf(error);
    return { name: nameOf(path), path, why, isDenied, owner };
  }
}

/** True if no process is listening at a socket file, or if the file was just removed. */
export function isAbandoned(code: string | undefined): boolean {
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}

/** Returns the tunnel's name: `soratun0` for `/run/arctun/soratun0.sock`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.sock$/, '');
}

interface Named {
  readonly name: string;
}

function byName(one: Named, other: Named): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}
