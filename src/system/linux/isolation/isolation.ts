/** The outer side of an isolated program: creates its namespaces with util-linux's unshare(1). */
import { mkdtemp, rm } from 'node:fs/promises';
import { isSea } from 'node:sea';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { INSIDE } from '../../../lib/inside-word.js';
import type { CommandRunner } from '../../../ports/command-runner.js';
import type { Isolation } from '../../../ports/isolation.js';
import { libcFailure, loadLibc } from '../libc.js';
import { isolationObstacle, UNSHARE } from './isolation-obstacle.js';
import { holdNetwork, networkOf } from './namespace-programs.js';

/** The longest folder for temporary files in which the path of a socket fits (unix(7)). */
const LONGEST_FOLDER = 70;

export function createIsolation(commands: CommandRunner): Isolation {
  return {
    async obstacle() {
      if (process.platform !== 'linux') return { kind: 'not-linux' };
      const libc = await loadLibc();
      if (libc === undefined) return { kind: 'no-koffi', reason: libcFailure() ?? 'unknown' };
      return isolationObstacle(commands);
    },
    network: () => networkOf('self'),
    makeFolder: () => {
      const folder = tmpdir();
      return mkdtemp(join(folder.length > LONGEST_FOLDER ? '/tmp' : folder, 'arctun-'));
    },
    removeFolder,
    commandFor: (socket, program) => [
      ...UNSHARE,
      ...ownCommand(),
      INSIDE,
      socket,
      '--',
      ...program,
    ],
    holdNetwork: (network) => holdNetwork(network),
  };
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

/** The command that starts this program again. */
function ownCommand(): readonly string[] {
  const [, script = ''] = process.argv;
  return [process.execPath, ...(isSea() ? [] : [...process.execArgv, script])];
}
