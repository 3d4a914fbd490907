/** Stops the tunnel and terminates the SIM, even if main was killed at any moment. */
import { setTimeout as sleep } from 'node:timers/promises';

import { type CommandOptions, signalCommand, startCommand, waitForEnd } from './commands.js';
import { JobFolder } from './job-folder.js';
import type { Runner } from './runner.js';
import { commandEnvironment, maskCredentials, readSettings } from './settings.js';

/** How long a bootstrap that outlived main may take, in milliseconds. */
const BOOTSTRAP_TIMEOUT = 60_000;

/** How long `up` may take to stop, in milliseconds. */
const UP_TIMEOUT = 10_000;

/** The number of attempts to finish a bootstrap, and to terminate the SIM. */
const ATTEMPTS = 3;

/** The pause between two attempts, in milliseconds. */
const PAUSE = 2_000;

/**
 * @param arctun the program and its first arguments
 * @returns the exit code
 */
export async function post(runner: Runner, arctun: readonly string[]): Promise<number> {
  maskCredentials(runner);
  const path = runner.state('folder');
  if (path === undefined || path === '') return 0;
  const folder = new JobFolder(path);
  // main was killed before it created the folder.
  folder.create();
  const options = { arctun, folder, env: commandEnvironment(runner, folder) };
  await stopUp(runner, folder);
  const isDone = (await finishBootstrap(runner, options)) && (await terminate(runner, options));
  if (isDone) folder.remove();
  return isDone ? 0 : 1;
}

async function stopUp(runner: Runner, folder: JobFolder): Promise<void> {
  signalCommand('up', folder, 'SIGTERM');
  if (!(await waitForEnd('up', folder, UP_TIMEOUT))) signalCommand('up', folder, 'SIGKILL');
  runner.output(folder.read('up.log'));
}

/**
 * Waits for a running bootstrap, and finishes one that was killed.
 *
 * @returns false if a SIM may exist that arc.json does not name
 */
export async function finishBootstrap(runner: Runner, options: CommandOptions): Promise<boolean> {
  const { folder } = options;
  await waitForEnd('bootstrap', folder, BOOTSTRAP_TIMEOUT);
  if (!folder.hasSim() && !folder.hasJournal() && folder.blockCreation()) {
    // Nothing was created, and nothing can be created from now on.
    if (!folder.hasJournal()) return true;
    folder.unblockCreation();
  }
  // If arc.json exists, it names the SIM, and the journal is not needed to terminate it.
  for (let attempt = 1; folder.hasJournal() && !folder.hasSim(); attempt += 1) {
    const { labels } = readSettings(runner);
    const words = ['bootstrap', 'authkey', '--config', folder.arcJson, '--json', ...labels];
    if (await succeeds(runner, 'resume', words, options)) break;
    if (attempt === ATTEMPTS) {
      runner.error(
        'A virtual SIM may have been created, and would be billed. Look for a SIM without tags with `arctun sim list --since 1h`, and terminate it with `arctun sim terminate SIM_ID`.',
      );
      return false;
    }
    await sleep(PAUSE);
  }
  return true;
}

async function terminate(runner: Runner, options: CommandOptions): Promise<boolean> {
  const { folder } = options;
  // The file is empty if it only blocks the creation of a SIM.
  if (folder.read('arc.json') === '') return true;
  const key = folder.privateKey();
  if (key !== undefined) runner.mask(key);
  const words = ['sim', 'terminate', '--yes', '--config', folder.arcJson];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await succeeds(runner, 'terminate', words, options)) return true;
    if (attempt < ATTEMPTS) await sleep(PAUSE);
  }
  runner.error(
    'The virtual SIM of this job could not be terminated, and is still billed. The log of this step contains the reason.',
  );
  return false;
}

async function succeeds(
  runner: Runner,
  name: string,
  words: readonly string[],
  options: CommandOptions,
): Promise<boolean> {
  const command = startCommand(name, words, options);
  const code = await command.exited;
  runner.output(command.stderr());
  if (code === 0 && name === 'terminate') runner.output(command.stdout());
  return code === 0;
}
