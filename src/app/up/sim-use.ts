/** What a process that is using a SIM tells other processes on this machine. */
import { parseJson } from '../../lib/text/parse-json.js';

/** The commands that open a tunnel. All except `up` end soon. */
const COMMANDS = ['up', 'send', 'exec', 'connect', 'ping', 'dig', 'doctor'] as const;

export type SimCommand = (typeof COMMANDS)[number];

export interface SimUse {
  readonly command: SimCommand;
  readonly pid: number;
  /** The forwarder's URL; undefined without a forwarder. */
  readonly forward?: string | undefined;
  /** The network interface; undefined in userspace. */
  readonly interface?: string | undefined;
  /**
   * The path of the control socket, through which the same user's commands use the tunnel;
   * undefined while the tunnel opens, if no folder was usable, and in other versions of arctun.
   */
  readonly socket?: string | undefined;
}

/** The maximum length of a socket's path, as in unix(7). */
const LONGEST_PATH = 107;

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
    socket,
  } = (parseJson(line) ?? {}) as Record<string, unknown>;
  const known = COMMANDS.find((name) => name === command);
  if (known === undefined) return undefined;
  // Reject init's ID, because users are advised to end the process with this ID.
  if (!Number.isSafeInteger(pid) || (pid as number) <= 1) return undefined;
  return {
    command: known,
    pid: pid as number,
    // Users are advised to post messages to this address, so it must be a loopback address.
    forward: isMatch(forward, LOOPBACK_URL) ? forward : undefined,
    interface: isMatch(name, /^[\w=+.-]{1,15}$/) ? name : undefined,
    socket:
      isMatch(socket, /^\/[^\0]+\.sock$/) && socket.length <= LONGEST_PATH ? socket : undefined,
  };
}

/** Formats the process, as in `arctun up (pid 4711)`. */
export function simUseText({ command, pid }: SimUse): string {
  return `arctun ${command} (pid ${pid})`;
}

function isMatch(value: unknown, shape: RegExp): value is string {
  return typeof value === 'string' && shape.test(value);
}
