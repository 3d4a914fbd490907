/**
 * Stores the traffic of each SIM by day, in one small JSON file for each SIM. Several processes may
 * add to a file: each holds a lock while it replaces the file.
 */
import fs from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { codeOf } from '../../lib/errors/error-message.js';
import { fileFault } from '../../lib/errors/file-fault.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import { addDays, formatDays, parseDays, type TrafficDays } from '../../lib/traffic-days.js';
import type { Log } from '../../ports/log.js';
import type { TrafficStore } from '../../ports/stores/traffic-store.js';
import { writeNew } from './files.js';
import { createFolders } from './folders.js';

/** A file of 62 days has a size of about 6 KB. */
const MAX_SIZE = 64 * 1024;

/** How often to look for a lock that another process holds, and the time between, in ms. */
const ATTEMPTS = 20;
const PAUSE = 50;

/** A process holds the lock for a few milliseconds; after this many, it must have been killed. */
const STALE = 5_000;

const PRIVATE = 0o600;
/** O_NONBLOCK prevents a FIFO from blocking. These flags do not exist on Windows. */
const READ = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

/**
 * One change at a time in this process. A sync takes long on flash memory, and those of many SIMs
 * would occupy all of the threads that Node.js has for files.
 */
const changes = new SerialQueue();

/** @param folder arctun's state folder; the first traffic creates its subfolder `traffic` */
export function createTrafficStore(folder: string, log: Log): TrafficStore {
  const pathOf = (name: string) => {
    if (!/^[0-9A-Za-z]{1,64}$/.test(name)) throw new Error('the SIM ID is not valid');
    return join(folder, 'traffic', `${name}.json`);
  };
  return {
    read: (name) => attempt(() => Promise.resolve(readDays(pathOf(name), log))),
    add: (name, days) =>
      attempt(() => {
        const path = pathOf(name);
        return changes.run(() => addToFile(path, days, log));
      }),
  };
}

/** Rejects with an error whose message contains the reason only. */
async function attempt<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw new Error(codeOf(error) === undefined ? String(error) : fileFault(error).reason, {
      cause: error,
    });
  }
}

async function addToFile(path: string, days: TrafficDays, log: Log): Promise<TrafficDays> {
  createFolders(dirname(path));
  const release = await lock(`${path}.lock`);
  try {
    const sums = addDays(readDays(path, log), days);
    await replace(path, formatDays(sums));
    return sums;
  } finally {
    release();
  }
}

/** @returns the days; empty if the file does not exist or is not valid, which is logged */
function readDays(path: string, log: Log): TrafficDays {
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, READ);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
  try {
    const bytes = Buffer.alloc(MAX_SIZE);
    const length = fs.readSync(descriptor, bytes, 0, MAX_SIZE, 0);
    const days = parseDays(bytes.toString('utf8', 0, length));
    if (days === undefined) log.warn({ path }, 'the file is damaged; traffic is counted from 0');
    return days ?? {};
  } finally {
    fs.closeSync(descriptor);
  }
}

/** @returns a function that releases the lock */
async function lock(path: string): Promise<() => void> {
  for (let attempts = 1; ; attempts++) {
    try {
      fs.closeSync(fs.openSync(path, 'wx', PRIVATE));
      return () => fs.rmSync(path, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (isStale(path)) fs.rmSync(path, { force: true });
    else if (attempts >= ATTEMPTS) throw new Error(`another process holds the lock ${path}`);
    else await wait(PAUSE);
  }
}

/** A lock from the future is stale, too: the clock was set back. */
function isStale(path: string): boolean {
  const stats = fs.statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > STALE;
}

/** Replaces the file atomically. If this process runs as root, the folder's owner gets the file. */
async function replace(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}.new`;
  await rm(next, { force: true });
  await writeNew(next, text, await lstat(dirname(path)));
  try {
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}
