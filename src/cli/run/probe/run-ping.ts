/** Defines the flags of `ping`, and runs the command. */
import { pingHost, type PingObserver, type PingSummary } from '../../../app/probe/ping-host.js';
import { StoppedError } from '../../../lib/errors/stopped-error.js';
import { EXIT_CODES } from '../../errors/exit-codes.js';
import type { configFlag } from '../../flags/config-flag.js';
import type { Flags, FlagValues } from '../../flags/flag.js';
import { hostNames, hostsFlag } from '../../flags/listeners/name-flags.js';
import { parseSeconds } from '../../flags/seconds-flag.js';
import type { Output } from '../../output/output.js';
import {
  pingErrorText,
  pingReplyText,
  pingStartText,
  pingSummaryText,
  pingSummaryValue,
} from '../../output/ping-text.js';
import { renderJson, renderText } from '../../output/render.js';
import { ownTunnelFlags, type ProbeContext, runProbe } from './own-tunnel.js';

/** The shortest interval in seconds, because pings are metered traffic. */
const SHORTEST_INTERVAL = 0.2;
const LONGEST_TIME = 86_400;

/** Most short flags are those of ping(8). */
export const pingFlags = {
  count: {
    type: 'integer',
    char: 'c',
    description: 'Number of requests to send; 0 sends until you press Ctrl-C.',
    default: 4,
    min: 0,
    helpValue: 'COUNT',
  },
  interval: {
    type: 'string',
    char: 'i',
    description: `Seconds between requests, at least ${SHORTEST_INTERVAL}.`,
    default: '1',
    helpValue: 'SECONDS',
  },
  timeout: {
    type: 'string',
    char: 'W',
    description: 'Seconds to wait after the last request if no reply has arrived.',
    default: '10',
    helpValue: 'SECONDS',
  },
  size: {
    type: 'integer',
    char: 's',
    description: 'Number of data bytes in each request.',
    default: 56,
    min: 0,
    max: 65_507,
    helpValue: 'BYTES',
  },
  ipv4: {
    type: 'boolean',
    char: '4',
    description: 'Use only an IPv4 address of the host.',
    exclusive: ['ipv6'],
  },
  ipv6: { type: 'boolean', char: '6', description: 'Use only an IPv6 address of the host.' },
  ...ownTunnelFlags,
  hosts: { ...hostsFlag.hosts, helpGroup: 'Tunnel' },
  json: { type: 'boolean', description: 'Print only the statistics, as JSON.' },
} as const satisfies Flags;

type PingChoice = FlagValues<typeof configFlag & typeof pingFlags>;

/**
 * @returns the exit code: 0 if at least one reply arrived
 * @throws UserError
 */
export async function runPing(
  flags: PingChoice,
  host: string,
  context: ProbeContext,
  output: Output,
): Promise<number> {
  const options = {
    host,
    family: flags.ipv4 ? (4 as const) : flags.ipv6 ? (6 as const) : undefined,
    count: flags.count === 0 ? Infinity : flags.count,
    interval: parseSeconds('interval', flags.interval, SHORTEST_INTERVAL, LONGEST_TIME),
    timeout: parseSeconds('timeout', flags.timeout, 0.001, LONGEST_TIME),
    size: flags.size,
  };
  const hosts = hostNames(flags);
  const { summary, reason } = await runProbe('ping', flags, hosts, context, async (probe) => {
    const { signal, ports } = probe;
    const found = await pingHost(
      { ...options, signal },
      probe,
      ports.clock,
      observer(flags, output),
    );
    return { summary: found, reason: signal.reason as unknown };
  });
  output.write(
    flags.json ? renderJson(pingSummaryValue(summary)) : renderText(pingSummaryText(summary)),
  );
  // Ctrl-C is the usual end of a ping; other signals stop the command.
  if (reason instanceof StoppedError && reason.signal !== 'SIGINT') throw reason;
  return exitCode(summary);
}

function observer({ json, quiet }: PingChoice, output: Output): PingObserver {
  const write = (text: string) => output.write(renderText(text));
  const isShort = json || quiet;
  return {
    onStart: (start) => json || write(pingStartText(start)),
    onReply: (reply) => isShort || write(pingReplyText(reply)),
    onError: (error) => isShort || write(pingErrorText(error)),
  };
}

function exitCode({ received }: PingSummary): number {
  return received > 0 ? 0 : EXIT_CODES.failed;
}
