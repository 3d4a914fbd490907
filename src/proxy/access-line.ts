/** What the log says about each request and connection of a client. */
import type { Socket } from 'node:net';

import type { DialTarget } from './dialer.js';
import { formatAuthority } from './listen-address.js';

/** Characters of a path that are logged. */
const MAX_PATH = 200;

/** `127.0.0.1:51234`; empty for a socket that is closed. */
export function clientName({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined || remotePort === undefined) return '';
  return formatAuthority({ host: remoteAddress, port: remotePort });
}

/** Who asks for what, in each line about it. */
export function partiesOf(client: string, target: DialTarget | undefined): object {
  return { client, ...(target && { target: formatAuthority(target) }) };
}

/** The path without its query, which may hold a secret. */
export function loggedPath(path: string): string {
  const [plain = ''] = path.split(/[?#]/);
  return plain.length <= MAX_PATH ? plain : `${plain.slice(0, MAX_PATH)}…`;
}

/** Whole milliseconds since `start`, a value of performance.now(). */
export function elapsed(start: number): number {
  return Math.round(performance.now() - start);
}
