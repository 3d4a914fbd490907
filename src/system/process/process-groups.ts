/** The process groups that run for us, so that none outlives us. */

const groups = new Set<number>();

/** @param group the id of the process that leads it */
export function keepGroup(group: number): void {
  groups.add(group);
}

export function forgetGroup(group: number): void {
  groups.delete(group);
}

/** Sends a signal to every process of a group; one that is gone is no error. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    // Windows has no groups: the leader alone is ended there.
    process.kill(process.platform === 'win32' ? group : -group, signal);
  } catch {
    // Nobody is left in it, or nobody whom we may end.
  }
}

/** Ends every group that is kept, at once. */
export function killGroups(): void {
  for (const group of groups) signalGroup(group, 'SIGKILL');
  groups.clear();
}
