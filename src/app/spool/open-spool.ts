/** Opens a spool. */
import { UserError } from '../../lib/errors/user-error.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { pause } from '../../lib/waits.js';
import type { Clock, WallClock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import { FileError } from '../../ports/files.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import type { Log } from '../../ports/log.js';
import type { SpoolAccess, SpoolFolder } from '../../ports/stores/spool-folder.js';
import { Spool, type SpoolLimits } from '../../proxy/spool/spool.js';

export interface SpoolSettings {
  readonly folder: string;
  readonly limits: SpoolLimits;
}

export interface SpoolOpener {
  readonly openFolder: (path: string, access?: SpoolAccess) => Promise<SpoolFolder>;
  readonly wallClock: WallClock;
  readonly entropy: Entropy;
}

export interface OwnSpoolPorts extends SpoolOpener {
  readonly claims: KeyClaims;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OwnSpoolOptions {
  /** This process's ID. */
  readonly pid: number;
  /** Whether this process uses the spool until it is stopped, so that others need not wait. */
  readonly isLasting?: boolean;
  /** How long to wait for another process that uses the spool, in milliseconds. */
  readonly wait: number;
  readonly signal?: AbortSignal | undefined;
}

/** A spool that no other process sends from until close(). */
export interface OwnedSpool {
  readonly spool: Spool;
  readonly close: () => Promise<void>;
}

/** How often to look whether the other process has ended, in milliseconds. */
const INTERVAL = 200;

/** @throws UserError if the folder cannot be used */
export async function openSpool(
  { folder: path, limits }: SpoolSettings,
  { openFolder, wallClock, entropy }: SpoolOpener,
  access?: SpoolAccess,
): Promise<{ spool: Spool; folder: SpoolFolder }> {
  const folder = await usingSpool(path, () => openFolder(path, access));
  return { spool: new Spool({ folder, wallClock, entropy }, limits), folder };
}

/**
 * Opens a spool to send from it, and marks what an ended process was sending as `unknown`.
 *
 * @throws UserError if the folder cannot be used, or another process uses it
 * @throws the abort reason while another process uses the folder
 */
export async function ownSpool(
  settings: SpoolSettings,
  options: OwnSpoolOptions,
  ports: OwnSpoolPorts,
): Promise<OwnedSpool> {
  const { spool, folder } = await openSpool(settings, ports);
  const claim = await claimFolder(folder, options, ports);
  try {
    for (const { id } of await usingSpool(folder.path, () => spool.recover())) {
      ports.log.warn(
        { id },
        'a message was being sent when its process ended; it may have arrived',
      );
    }
    return { spool, close: () => claim.close() };
  } catch (error) {
    await claim.close();
    throw error;
  }
}

async function claimFolder(
  { identity, path }: SpoolFolder,
  { pid, wait, signal, isLasting = false }: OwnSpoolOptions,
  { claims, clock, log }: OwnSpoolPorts,
) {
  const name = new TextEncoder().encode(`spool ${identity}`);
  const deadline = clock.now() + wait;
  for (let isFirst = true; ; isFirst = false) {
    const claim = await claims.take(name, () => `${pid}${isLasting ? LASTING : ''}`);
    if (claim !== undefined) return claim;
    signal?.throwIfAborted();
    const holder = await claims.holder(name).catch(() => undefined);
    if (clock.now() >= deadline || holder?.endsWith(LASTING) === true) throw inUse(path, holder);
    if (isFirst) log.info({ reason: `${processText(holder)} is using it` }, WAITING);
    await pause(INTERVAL, clock, signal);
  }
}

const WAITING = 'waiting until the spool is free';

/** Follows the process ID of an `up` in the description of its claim. */
const LASTING = ' up';

/** @param holder the description of the other process's claim, if it has answered */
function readHolder(holder = ''): { pid: string | undefined; isUp: boolean } {
  const [, pid, command] = /^(\d+)( up)?$/.exec(holder) ?? [];
  return { pid, isUp: command !== undefined };
}

function processText(holder: string | undefined): string {
  const { pid } = readHolder(holder);
  return pid === undefined ? 'another process' : `process ${pid}`;
}

function inUse(path: string, holder: string | undefined): UserError {
  const { pid, isUp } = readHolder(holder);
  const what = `cannot send from the spool ${path}`;
  if (isUp) {
    return new UserError('failed', {
      what,
      why: `"arctun up" (process ${pid ?? ''}) is using it, and sends its messages`,
      next: ['Send the message to the forwarder of "arctun up", or use another folder.'],
    });
  }
  return new UserError('failed', {
    what,
    why: `${processText(holder)} is using it`,
    next: ['Try again when that process has ended, or use another folder.'],
  });
}

/** Converts errors of the folder. @throws UserError */
export async function usingSpool<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { failure, message } = error;
    const isAbsent = failure === 'absent' || failure === 'no-folder';
    throw new UserError(fileFaultKind(error), {
      what: `cannot use the spool ${path} (--spool)`,
      why: failure === 'absent' ? 'no such folder' : message,
      next: [
        isAbsent
          ? 'Check the path. "arctun up" and "arctun send" create a missing folder.'
          : 'Name a folder that only you can access, on a disk with free space.',
      ],
      cause: error,
    });
  }
}
