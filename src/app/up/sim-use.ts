/** What a process that is using a SIM tells other processes on this machine. */
import { parseJson } from '../../lib/text/parse-json.js';

export interface SimUse {
  readonly command: 'up' | 'send';
  readonly pid: number;
  /** The forwarder's URL; undefined without a forwarder. */
  readonly forward?: string | undefined;
  /** The network interface; undefined in userspace. */
  readonly interface?: string | undefined;
}

const LOOPBACK_URL = /^http:\/\/(?:127(?:\.\d{1,3}){3}|\[::1\]):\d{1,5}$/;

export function simUseLine(use: SimUse): string {
  return JSON.stringify(use);
}

/** Parses the line; undefined if invalid. Another user's process may have written the line. */
export function readSimUse(line: string): SimUse | undefined {
  const {
    command,
    pid,
    forward,
    interface: name,
  } = (parseJson(line) ?? {}) as Record<string, unknown>;
  if (command !== 'up' && command !== 'send') return undefined;
  // Reject init's ID, because users are advised to end the process with this ID.
  if (!Number.isSafeInteger(pid) || (pid as number) <= 1) return undefined;
  return {
    command,
    pid: pid as number,
    // Users are advised to post messages to this address, so it must be a loopback address.
    forward: isMatch(forward, LOOPBACK_URL) ? forward : undefined,
    interface: isMatch(name, /^[\w=+.-]{1,15}$/) ? name : undefined,
  };
}

/** Formats the process, as in `arctun up (pid 4711)`. */
export function simUseText({ command, pid }: SimUse): string {
  return `arctun ${command} (pid ${pid})`;
}

function isMatch(value: unknown, shape: RegExp): value is string {
  return typeof value === 'string' && shape.test(value);
}
