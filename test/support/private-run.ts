/** Gives a program its own /run: `systemd-analyze` creates /run/systemd. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';

/** A user namespace needs no privilege, and nothing remains on the machine. */
const OWN_RUN = [
  ...['unshare', '--user', '--map-root-user', '--mount'],
  ...['sh', '-c', 'mount -t tmpfs none /run && exec "$@"', 'sh'],
] as const;

/** The command prefix for this; undefined if no writable /run is possible. */
export function privateRun(): readonly string[] | undefined {
  const [program, ...parameters] = OWN_RUN;
  if (spawnSync(program, [...parameters, 'true'], { stdio: 'ignore' }).status === 0) return OWN_RUN;
  return isWritable(existsSync('/run/systemd') ? '/run/systemd' : '/run') ? [] : undefined;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
