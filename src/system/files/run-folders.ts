import { homedir } from 'node:os';
import { join } from 'node:path';

import { stateFolder } from './state-folder.js';

/** What the folders follow from. */
export interface RunSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
  readonly platform: string;
}

/**
 * The folders for the sockets of running tunnels, the one to be taken first: root's, the user's for as
 * long as somebody is signed in, and one in the state folder for who has none of these. A service has its
 * own, and no other (systemd.exec(5)).
 */
export function runFolders(surroundings: RunSurroundings = surroundingsOfProcess()): string[] {
  const { env, home, isRoot, platform } = surroundings;
  // systemd gives one for each that a unit asks for, with colons between.
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
