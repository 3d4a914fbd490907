/**
 * The options of createTunnel(), and their check for programs in JavaScript. Does not use
 * check-options.ts, because loading its schemas takes long.
 */
import { UserError } from '../lib/errors/user-error.js';
import { LOG_LEVELS, type LogLevel } from '../ports/log.js';
import type { CongestionAlgorithm } from '../tunnel/userspace-tunnel.js';
import type { ArcJson } from './arc-json.js';
import type { RenewalOptions } from './renewal-options.js';

export interface CreateTunnelOptions {
  /**
   * The path of arc.json, its content as JSON or base64, or an object with the members of arc.json.
   */
  readonly config: string | ArcJson | object;
  /**
   * Milliseconds to wait for the first handshake after it has started; defaults to 20,000, and 0
   * waits forever.
   */
  readonly wait?: number;
  /** TCP congestion control inside the tunnel: `bbr` (the default), `cubic` or `reno`. */
  readonly congestion?: CongestionAlgorithm;
  /** Seconds between keepalives, instead of the value in `config`; 0 disables keepalives. */
  readonly persistentKeepalive?: number;
  /** The traffic after which the tunnel refuses new connections with EDQUOT; no limit by default. */
  readonly budget?: BudgetOptions;
  /** Renews the session when SORACOM has ended or moved it; off by default. */
  readonly renewal?: RenewalOptions;
  /** The log level on standard error; nothing is logged by default. */
  readonly logLevel?: LogLevel;
  /** Aborts the wait for other calls and for the handshake; the call then rejects with the reason. */
  readonly signal?: AbortSignal;
}

/** The bytes that the SIM may send and receive outside the tunnel, in the day or month in UTC. */
export interface BudgetOptions {
  readonly dayBytes?: number;
  readonly monthBytes?: number;
}

const CONGESTION: readonly CongestionAlgorithm[] = ['bbr', 'cubic', 'reno'];

/** The largest keepalive interval in seconds (`wg set`). */
const LONGEST_KEEPALIVE = 65_535;

interface Rule {
  readonly isUsable: (value: unknown) => boolean;
  /** What the option must be. */
  readonly expected: string;
  readonly next: string;
}

/** Checked by their users. */
const CHECKED_ELSEWHERE = undefined;

const RULES: Readonly<Record<keyof CreateTunnelOptions, Rule | undefined>> = {
  config: CHECKED_ELSEWHERE,
  renewal: CHECKED_ELSEWHERE,
  wait: {
    isUsable: (value) => typeof value === 'number' && value >= 0,
    expected: 'a number that is not negative',
    next: 'Pass the time in milliseconds, or 0 to wait indefinitely.',
  },
  congestion: oneOf(CONGESTION),
  persistentKeepalive: {
    isUsable: (value) =>
      Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LONGEST_KEEPALIVE,
    expected: `a whole number from 0 to ${LONGEST_KEEPALIVE}`,
    next: 'Pass the interval in seconds, or 0 to disable keepalives.',
  },
  budget: {
    isUsable: isBudget,
    expected: 'an object with dayBytes, monthBytes or both, which are at least 1000',
    next: 'Pass the budget in bytes, such as { dayBytes: 50_000_000 }.',
  },
  logLevel: oneOf(LOG_LEVELS),
  signal: {
    isUsable: (value) => value instanceof AbortSignal,
    expected: 'an AbortSignal',
    next: 'Pass the signal of an AbortController.',
  },
};

function isBudget(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value).filter(([, bytes]) => bytes !== undefined);
  return (
    entries.length > 0 &&
    entries.every(
      ([name, bytes]) =>
        /^(?:day|month)Bytes$/.test(name) && Number.isSafeInteger(bytes) && bytes >= 1000,
    )
  );
}

function oneOf(values: readonly string[]): Rule {
  const expected = values.join(', ').replace(/, (?=\w+$)/, ' or ');
  return {
    isUsable: (value) => values.some((one) => one === value),
    expected,
    next: 'Pass one of these values, or omit the option.',
  };
}

/**
 * Checks the names of the options, and the values except those of `config` and `renewal`.
 *
 * @throws UserError of kind `usage` for the first unknown or wrong option
 */
export function checkTunnelOptions(options: CreateTunnelOptions): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (!isOption(name)) throw unknownOption(name);
    const rule = RULES[name];
    if (rule === undefined || value === undefined || rule.isUsable(value)) continue;
    throw new UserError('usage', {
      what: `cannot use the ${name} option of createTunnel`,
      why: `the option must be ${rule.expected}`,
      next: [rule.next],
    });
  }
}

function isOption(name: string): name is keyof CreateTunnelOptions {
  return Object.hasOwn(RULES, name);
}

function unknownOption(name: string): UserError {
  return new UserError('usage', {
    what: `cannot use the ${name} option of createTunnel`,
    why: 'the option does not exist',
    next: [`Use only these options: ${Object.keys(RULES).sort().join(', ')}.`],
  });
}
