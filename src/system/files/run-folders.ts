import { homedir } from 'node:os';
import { join } from 'node:path';

import { stateFolder } from './state-folder.js';

/** The inputs that determine the folders. */
export interface RunSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
  readonly platform: string;
}

/**
 * The folders for the sockets of running tunnels, preferred first: root's, the user's (which exists
 * during a login session), and one in the state folder as a fallback. A service uses only its own
 * folder (systemd.exec(5)).
 */
export function runFolders(surroundings: RunSurroundings = surroundingsOfProcess()): string[] {
  const { env, home, isRoot, platform } = surroundings;
  // systemd lists each folder that a unit requests, separated by colons.
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
