/** Tracks the process groups of started commands, so that none outlives this process. */

const groups = new Set<number>();

/** @param group the process ID of the group's leader */
export function keepGroup(group: number): void {
  groups.add(group);
}

export function forgetGroup(group: number): void {
  groups.delete(group);
}

/** Sends a signal to every process of a group; an ended group is no error. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    // Windows has no groups, so only the leader is ended there.
    process.kill(process.platform === 'win32' ? group : -group, signal);
  } catch {
    // The group is empty, or this process may not signal it.
  }
}

/** Kills every tracked group at once. */
export function killGroups(): void {
  for (const group of groups) signalGroup(group, 'SIGKILL');
  groups.clear();
}
