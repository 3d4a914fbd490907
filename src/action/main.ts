/** Creates a virtual SIM for the job and opens its tunnel. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type CommandOptions, startCommand, type StartedCommand } from './commands.js';
import { JobFolder } from './job-folder.js';
import type { Runner } from './runner.js';
import {
  commandEnvironment,
  maskCredentials,
  PROXY_VARIABLES,
  readSettings,
  saveProxies,
  type Settings,
  temporaryFolder,
} from './settings.js';

/** The members of the line that `arctun up --json` prints, as far as the action needs them. */
interface UpLine {
  readonly forward: string;
  readonly proxy: string | null;
}

/** The interval of checks for the output of `up`, in milliseconds. */
const INTERVAL = 100;

/**
 * @param arctun the program and its first arguments
 * @returns the exit code
 */
export async function main(runner: Runner, arctun: readonly string[]): Promise<number> {
  maskCredentials(runner);
  if (process.platform === 'win32') {
    runner.error('The action does not support Windows runners. Use a Linux or macOS runner.');
    return 1;
  }
  try {
    const settings = readSettings(runner);
    const folder = new JobFolder(join(temporaryFolder(runner.env), `arctun-${randomUUID()}`));
    // Saved before anything exists, so that post finds whatever this process leaves.
    runner.saveState('folder', folder.path);
    folder.create();
    await openTunnel(runner, settings, { arctun, folder, env: commandEnvironment(runner, folder) });
    return 0;
  } catch (error) {
    runner.error((error as Error).message);
    return 1;
  }
}

async function openTunnel(
  runner: Runner,
  settings: Settings,
  options: CommandOptions,
): Promise<void> {
  const { folder } = options;
  const config = ['--config', folder.arcJson];
  const words = ['bootstrap', 'authkey', ...config, '--json', ...settings.labels];
  const bootstrap = startCommand('bootstrap', words, options);
  const code = await bootstrap.exited;
  const key = folder.privateKey();
  if (key !== undefined) runner.mask(key);
  runner.output(bootstrap.stderr());
  if (code !== 0) throw failure('bootstrap', code);
  const { simId } = JSON.parse(bootstrap.stdout()) as { simId: string };
  runner.setOutput('sim-id', simId);
  runner.info(`This job has SIM ${simId}.`);

  const listen = ['--forward-listen=127.0.0.1:0', '--proxy-listen=127.0.0.1:0'];
  const upWords = ['up', '--mode=userspace', ...config, ...listen, '--json', ...settings.up];
  const up = startCommand('up', upWords, options);
  up.detach();
  const line = await lineOf(up);
  runner.output(up.stderr());
  if (typeof line !== 'object' || line === null) throw failure('up', line);
  publish(runner, settings, options, line);
}

/** Returns the line that `up` prints when the tunnel is up, or the exit code of `up`. */
async function lineOf(up: StartedCommand): Promise<UpLine | number | null> {
  let code: number | null | undefined;
  void up.exited.then((value) => (code = value));
  for (;;) {
    const [line, rest] = up.stdout().split('\n');
    if (line !== undefined && rest !== undefined) return JSON.parse(line) as UpLine;
    if (code !== undefined) return code;
    await sleep(INTERVAL);
  }
}

/** Gives later steps the addresses of the tunnel, and the arctun command. */
function publish(
  runner: Runner,
  { setProxy }: Settings,
  { arctun, folder }: CommandOptions,
  { forward, proxy }: UpLine,
): void {
  const bin = folder.file('bin');
  mkdirSync(bin);
  const words = arctun.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  writeFileSync(join(bin, 'arctun'), `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(join(bin, 'arctun'), 0o755);
  runner.addPath(bin);
  runner.exportVariable('ARCTUN_CONFIG', folder.arcJson);
  runner.setOutput('config', folder.arcJson);
  runner.setOutput('forward-url', forward);
  if (proxy === null) throw new Error('arctun up did not open a proxy');
  const url = `http://${proxy}`;
  runner.setOutput('proxy-url', url);
  if (!setProxy) return;
  saveProxies(runner, folder);
  for (const name of PROXY_VARIABLES) {
    const isException = name.toLowerCase() === 'no_proxy';
    runner.exportVariable(name, isException ? 'localhost,127.0.0.1,::1' : url);
  }
}

function failure(command: string, code: number | null): Error {
  const how = code === null ? 'was killed' : `failed with exit code ${code}`;
  return new Error(`arctun ${command} ${how}. The log of this step contains the reason.`);
}
