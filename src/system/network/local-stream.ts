/** Connects to local sockets as byte streams. */
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

import { codeOf } from '../../lib/errors/error-message.js';
import {
  findOtherWriters,
  type InspectionPorts,
  systemInspection,
} from '../files/other-writers.js';

/** The number of attempts, and the milliseconds between them, while the backlog is full. */
const ATTEMPTS = 60;
const RETRY_DELAY = 50;

const OTHERS_WRITE = 0o002;
const ROOT = 0;

export const localStreams = { check: checkOwner, open: openLocalStream };

/**
 * @throws Error with the code EACCES if another user can own or replace the socket. A folder may be
 * writable for the user's private group, which has the user's ID on many systems, and for root's.
 */
export async function checkOwner(
  path: string,
  inspection: InspectionPorts = systemInspection,
): Promise<void> {
  const writers = await findOtherWriters(path, await lstat(path), inspection);
  for (const writer of writers) {
    const isGroupOnly = writer.fault === 'mode' && (writer.mode & OTHERS_WRITE) === 0;
    if (isGroupOnly && [ROOT, inspection.user].includes((await lstat(writer.path)).gid)) continue;
    const error = new Error(`another user can replace ${writer.path}`);
    throw Object.assign(error, { code: 'EACCES' });
  }
}

export async function openLocalStream(path: string): Promise<Socket> {
  for (let attempt = 1; ; attempt++) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      socket.destroy();
      // Linux does not queue a connection if the backlog is full (unix(7)).
      if (codeOf(error) !== 'EAGAIN' || attempt === ATTEMPTS) throw error;
      await setTimeout(RETRY_DELAY);
    }
  }
}
