import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Returns the folder for state outside arc.json: in a systemd unit, the first folder that systemd
 * passes (systemd.exec(5)); otherwise, `arctun` in the user's state folder.
 */
export function stateFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  home: string = homedir(),
): string {
  const [ofService] = (env.STATE_DIRECTORY ?? '').split(':');
  if (ofService) return ofService;
  return join(env.XDG_STATE_HOME || join(home, '.local', 'state'), 'arctun');
}
