/**
 * Takes the sockets of socket activation (sd_listen_fds(3)). Child processes do not inherit these
 * sockets, because Node.js sets FD_CLOEXEC on all inherited descriptors when it starts.
 */
import { readFileSync, readlinkSync } from 'node:fs';

import type { PassedSocket } from '../../ports/passed-socket.js';

/** SD_LISTEN_FDS_START: the descriptors follow standard input, output and error. */
const FIRST = 3;

/** The name that sd_listen_fds_with_names(3) uses if the service manager passes no names. */
const UNNAMED = 'unknown';

/**
 * Returns the sockets that the service manager passed to this process. Removes the variables from
 * the environment, because they do not apply to started commands.
 */
export function takePassedSockets(
  env: Record<string, string | undefined> = process.env,
  pid = process.pid,
): readonly PassedSocket[] {
  const { LISTEN_PID: owner, LISTEN_FDS: count = '', LISTEN_FDNAMES: names } = env;
  delete env.LISTEN_PID;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  // systemd 258 added this one.
  delete env.LISTEN_PIDFDID;
  // The variables of another process: a wrapper started this one instead of replacing itself.
  if (owner !== String(pid) || !/^\d{1,3}$/.test(count)) return [];
  const given = (names ?? '').split(':');
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = FIRST + index;
    return { fd, name: given[index] || UNNAMED, path: unixPath(fd) };
  });
}

/** Returns the path at which a Unix socket is bound, as far as /proc shows it. */
function unixPath(fd: number): string | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    if (inode === undefined) return undefined;
    // The columns are Num, RefCount, Protocol, Flags, Type, St, Inode and Path (proc_pid_net(5)).
    const row = new RegExp(`^(?:\\S+ +){6}${inode} (.+)$`, 'm');
    return row.exec(readFileSync('/proc/self/net/unix', 'utf8'))?.[1];
  } catch {
    // Systems other than Linux have no such files.
    return undefined;
  }
}
