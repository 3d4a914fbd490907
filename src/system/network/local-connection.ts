/** Sends requests to local sockets with node:net. */
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import { isDenied } from '../../lib/errors/error-message.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { socketOwner } from './socket-owner.js';

/** The maximum time in milliseconds to wait for a response. */
const DEADLINE = 3_000;

/** The maximum length of a response in characters. A device with 100,000 allowed IPs sends 5 MB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

export const localConnections: LocalConnections = createLocalConnections();

export function createLocalConnections({
  deadline = DEADLINE,
  longestAnswer = LONGEST_ANSWER,
} = {}): LocalConnections {
  return {
    async list(folder) {
      const names = await readdir(folder).catch(() => []);
      return names
        .filter((name) => name.endsWith('.sock'))
        .sort()
        .map((name) => join(folder, name));
    },
    ask(path, request, end) {
      return new Promise((resolve, reject) => {
        const socket = connect(path);
        const fail = (error: Error) => {
          clearTimeout(timer);
          socket.destroy();
          reject(error);
        };
        const timer = setTimeout(() => {
          fail(connectionError('ETIMEDOUT', `no response within ${deadline / 1000} s`));
        }, deadline);
        let answer = '';
        socket.setEncoding('utf8');
        socket.on('connect', () => socket.write(request));
        socket.on('data', (text: string) => {
          // Search a little earlier, because the end marker may arrive in two parts.
          const from = Math.max(0, answer.length - end.length + 1);
          answer += text;
          const position = answer.indexOf(end, from);
          if (position === -1) {
            if (answer.length > longestAnswer) {
              fail(connectionError('EMSGSIZE', 'the response is too long'));
            }
            return;
          }
          clearTimeout(timer);
          socket.destroy();
          resolve(answer.slice(0, position + end.length));
        });
        socket.on('error', (error: NodeJS.ErrnoException) => {
          if (!isDenied(error)) fail(error);
          else void socketOwner(path).then((owner) => fail(Object.assign(error, { owner })));
        });
        socket.on('close', (hasFailed) => {
          if (!hasFailed) fail(connectionError('ECONNRESET', 'the response was cut off'));
        });
      });
    },
  };
}

function connectionError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
