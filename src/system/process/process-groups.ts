/** Tracks the process groups of started commands, so that no group outlives this process. */

/** The running groups, each as the process ID of its leader. */
export const processGroups = new Set<number>();

/** Sends a signal to every process in a group; a group that has ended is not an error. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    // Windows has no process groups, so only the leader is ended there.
    process.kill(process.platform === 'win32' ? group : -group, signal);
  } catch {
    // Ignore an error: the group is empty, or this process may not signal it.
  }
}

export function killGroups(): void {
  for (const group of processGroups) signalGroup(group, 'SIGKILL');
  processGroups.clear();
}
