/** Finds out whether this process can create namespaces, and which setting forbids it. */
import { access, constants, readFile } from 'node:fs/promises';

import { codeOf } from '../../../lib/errors/error-message.js';
import type { CommandError } from '../../../ports/command-runner.js';
import { type CommandRunner } from '../../../ports/command-runner.js';
import type { IsolationObstacle } from '../../../ports/isolation.js';

/** A user namespace in which the user has the same ID, and a network and a mount namespace. */
export const UNSHARE = [
  'unshare',
  '--user',
  '--map-current-user',
  '--keep-caps',
  '--net',
  '--mount',
  '--',
] as const;

/** The settings that forbid namespaces, with the values that forbid and allow them. */
const SETTINGS = [
  ['kernel.unprivileged_userns_clone', '0', '1'],
  ['user.max_user_namespaces', '0', '10000'],
  ['user.max_net_namespaces', '0', '10000'],
  ['user.max_mnt_namespaces', '0', '10000'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
] as const;

/** The system's folders; tests pass other folders. */
export interface ObstacleFolders {
  readonly dev: string;
  readonly proc: string;
}

const SYSTEM: ObstacleFolders = { dev: '/dev', proc: '/proc' };

/** @returns undefined if a program can be isolated */
export async function isolationObstacle(
  commands: CommandRunner,
  folders = SYSTEM,
): Promise<IsolationObstacle | undefined> {
  const tun = await accessCode(`${folders.dev}/net/tun`);
  if (tun !== undefined) return { kind: tun === 'ENOENT' ? 'no-tun' : 'tun-denied' };
  try {
    const { exitCode, stderr } = await commands.run([...UNSHARE, 'true']);
    return exitCode === 0 ? undefined : await whyRefused(stderr.trim(), folders);
  } catch (error) {
    const { failure, message } = error as CommandError;
    if (failure === 'not-found') return { kind: 'no-unshare' };
    return { kind: 'refused', reason: message, isFiltered: false };
  }
}

async function accessCode(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return codeOf(error) ?? 'unknown';
  }
}

async function whyRefused(reason: string, { proc }: ObstacleFolders): Promise<IsolationObstacle> {
  if (/(unrecognized|invalid|unknown) option/.test(reason)) return { kind: 'old-unshare' };
  for (const [name, forbidden, wanted] of SETTINGS) {
    const value = await valueOf(`${proc}/sys/${name.replace('.', '/')}`);
    if (value === forbidden) return { kind: 'setting', name, value, wanted, reason };
  }
  const filter = /^Seccomp:\s*2$/m.test((await valueOf(`${proc}/self/status`)) ?? '');
  return { kind: 'refused', reason, isFiltered: filter };
}

/** Returns undefined if the file does not exist: other kernels lack some settings. */
async function valueOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return undefined;
  }
}
