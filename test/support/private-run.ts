/** A /run of its own for a program that writes there: `systemd-analyze` makes /run/systemd. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';

/** In a user namespace no right is needed, and nothing is left behind on the machine. */
const OWN_RUN = [
  ...['unshare', '--user', '--map-root-user', '--mount'],
  ...['sh', '-c', 'mount -t tmpfs none /run && exec "$@"', 'sh'],
] as const;

/** What to write in front of a command; undefined if it cannot have a /run that it may write. */
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
