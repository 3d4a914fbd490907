/** The folders for arctun's own files and sockets. */
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

/** The inputs that determine the folders. */
export interface RunSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
  readonly platform: string;
}

/**
 * Returns the folders for the sockets of running tunnels, the preferred one first: root's folder,
 * the user's folder (which exists during a login session), and a fallback in the state folder. A
 * service uses only its own folder (systemd.exec(5)). Windows has no folders, because Node.js does not
 * support Unix sockets there.
 */
export function runFolders(surroundings: RunSurroundings = surroundingsOfProcess()): string[] {
  const { env, home, isRoot, platform } = surroundings;
  if (platform === 'win32') return [];
  // systemd lists all folders that the unit requests, separated by colons.
  const [ofService = ''] = (env.RUNTIME_DIRECTORY ?? '').split(':');
  if (ofService !== '') return [ofService];
  const ofRoot = platform === 'linux' ? '/run/arctun' : '/var/run/arctun';
  const { XDG_RUNTIME_DIR: runtime = '' } = env;
  const ofUser = runtime === '' ? '' : join(runtime, 'arctun');
  const ofState = join(stateFolder(env, home), 'run');
  const folders = isRoot ? [ofRoot, ofState, ofUser] : [ofUser, ofState, ofRoot];
  return folders.filter((folder) => folder !== '');
}

function surroundingsOfProcess(): RunSurroundings {
  return {
    env: process.env,
    home: homedir(),
    isRoot: process.geteuid?.() === 0,
    platform: process.platform,
  };
}
