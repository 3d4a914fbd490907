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
 * The folders for the sockets of running tunnels, the one to be taken first: that of a service
 * (systemd.exec(5)), root's, the user's for as long as somebody is signed in, and one in the state folder
 * for who has none of these.
 */
export function runFolders(surroundings: RunSurroundings = surroundingsOfProcess()): string[] {
  const { env, home, isRoot, platform } = surroundings;
  // systemd gives one for each that a unit asks for, with colons between.
  const [ofService = ''] = (env.RUNTIME_DIRECTORY ?? '').split(':');
  const ofRoot = platform === 'linux' ? '/run/arctun' : '/var/run/arctun';
  const { XDG_RUNTIME_DIR: runtime = '' } = env;
  const ofUser = runtime === '' ? '' : join(runtime, 'arctun');
  const ofState = join(stateFolder(env, home), 'run');
  const folders = isRoot
    ? [ofService, ofRoot, ofState, ofUser]
    : [ofService, ofUser, ofState, ofRoot];
  return [...new Set(folders.filter((folder) => folder !== ''))];
}

function surroundingsOfProcess(): RunSurroundings {
  return {
    env: process.env,
    home: homedir(),
    isRoot: process.geteuid?.() === 0,
    platform: process.platform,
  };
}
