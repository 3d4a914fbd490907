/** What Linux's TCP in a network namespace counts and remembers. */
import { execFileSync } from 'node:child_process';

import { until } from '../until.js';
import { inSpace } from './wireguard-go-server.js';

/** The state of a socket in /proc/net/tcp. */
const TIME_WAIT = '06';

/** Returns the sum of these counters of TcpExt; a kernel that lacks one counts it under another. */
export function tcpCounter(space: string, ...names: readonly string[]): number {
  const lines = readIn(space, '/proc/net/netstat').matchAll(/^TcpExt: (.*)$/gm);
  const [keys, values] = [...lines].map((line) => line[1]!.split(' '));
  const found = names.map((name) => values![keys!.indexOf(name)]);
  if (found.every((value) => value === undefined)) throw new Error(`no counter ${names.join()}`);
  return found.reduce((sum, value) => sum + Number(value ?? 0), 0);
}

/**
 * The number of segments that TIME-WAIT has refused because of an old timestamp (RFC 7323 5.3).
 * Linux before 6.14 counts them with those of other connections.
 */
export function refusedByTimeWait(space: string): number {
  return tcpCounter(space, 'PAWSEstab', 'PAWSTimewait');
}

/** Waits until all connections to a local port are in TIME-WAIT, and returns their number. */
export async function untilTimeWait(space: string, port: number): Promise<number> {
  let states: string[] = [];
  await until(
    () => {
      states = connectionStates(space, port);
      return states.every((state) => state === TIME_WAIT);
    },
    {
      what: 'all connections are in TIME-WAIT',
      turn: () => new Promise((done) => setTimeout(done, 50)),
    },
  );
  return states.length;
}

function connectionStates(space: string, port: number): string[] {
  const end = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readIn(space, '/proc/net/tcp')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  return rows
    .filter(([, local, remote]) => local?.endsWith(`:${end}`) && !remote?.endsWith(':0000'))
    .map(([, , , state]) => state!);
}

function readIn(space: string, file: string): string {
  return execFileSync('ip', [...inSpace(space).slice(1), 'cat', file], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}
