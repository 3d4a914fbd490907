/** Defines the flags of `ping`, and runs the command. */
import { isIP } from 'node:net';

import type { Interfaces } from '@oclif/core';

import type { TunnelAccess } from '../../../app/access/access.js';
import {
  pingHost,
  type PingObserver,
  type PingSummary,
  withHosts,
} from '../../../app/probe/ping-host.js';
import { codeOf } from '../../../lib/errors/error-message.js';
import { StoppedError } from '../../../lib/errors/stopped-error.js';
import { hostKey, type HostNames } from '../../../proxy/dns/host-names.js';
import { EXIT_CODES } from '../../errors/exit-codes.js';
import type { configFlag } from '../../flags/config-flags.js';
import * as Flags from '../../flags/flag.js';
import { hostNames, hostsFlag } from '../../flags/listeners/name-flags.js';
import { parseSeconds } from '../../flags/time-flags.js';
import {
  pingErrorText,
  pingReplyText,
  pingStartText,
  pingSummaryText,
  pingSummaryValue,
} from '../../output/ping-text.js';
import { renderJson, renderText } from '../../output/render.js';
import type { AccessContext } from '../access/prepare-access.js';
import { probeFlags, runProbe } from './run-probe.js';

/** The shortest interval in seconds, because pings are metered traffic. */
const SHORTEST_INTERVAL = 0.2;

/** Most short flags are those of ping(8). */
export const pingFlags = {
  count: Flags.integer({
    char: 'c',
    description: 'Number of requests to send; 0 sends until you press Ctrl-C.',
    default: 4,
    min: 0,
    helpValue: 'COUNT',
  }),
  interval: Flags.text({
    char: 'i',
    description: `Seconds between requests, at least ${SHORTEST_INTERVAL}.`,
    default: '1',
    helpValue: 'SECONDS',
  }),
  timeout: Flags.text({
    char: 'W',
    description: 'Seconds to wait after the last request if no reply has arrived.',
    default: '10',
    helpValue: 'SECONDS',
  }),
  size: Flags.integer({
    char: 's',
    description: 'Number of data bytes in each request.',
    default: 56,
    min: 0,
    max: 65_507,
    helpValue: 'BYTES',
  }),
  ipv4: Flags.boolean({
    char: '4' as Interfaces.AlphabetLowercase,
    description: 'Use only an IPv4 address of the host.',
    exclusive: ['ipv6'],
  }),
  ipv6: Flags.boolean({
    char: '6' as Interfaces.AlphabetLowercase,
    description: 'Use only an IPv6 address of the host.',
  }),
  ...probeFlags,
  hosts: Flags.withHelp(hostsFlag.hosts, { helpGroup: 'Tunnel' }),
  json: Flags.boolean({ description: 'Print only the statistics, as JSON.' }),
};

type PingChoice = Flags.FlagValues<typeof configFlag & typeof pingFlags>;

/**
 * @returns the exit code: 0 if at least one reply arrived
 * @throws UserError
 */
export async function runPing(
  flags: PingChoice,
  host: string,
  context: AccessContext,
): Promise<number> {
  const options = {
    host,
    family: flags.ipv4 ? (4 as const) : flags.ipv6 ? (6 as const) : undefined,
    count: flags.count === 0 ? Infinity : flags.count,
    interval: parseSeconds('interval', flags.interval, SHORTEST_INTERVAL),
    timeout: parseSeconds('timeout', flags.timeout, 0.001),
    size: flags.size,
  };
  const hosts = hostNames(flags);
  const page = new PingPage(await context.printer());
  const { summary, reason } = await runProbe('ping', flags, hosts, context, async (probe) => {
    const signal = AbortSignal.any([probe.signal, page.signal]);
    const { access, ports } = probe;
    if (flags.dns !== undefined && isLookedUpByUp(host, hosts, access)) {
      const text = 'the running "arctun up" looks up the name, so that --dns has no effect';
      ports.log.warn({ target: host, servers: access.nameServers }, text);
    }
    // The running `up` does not know the names of this command.
    const tunnel = { echoDialer: withHosts(access.echoDialer, hosts) };
    const found = await pingHost(
      { ...options, signal },
      tunnel,
      ports.clock,
      observer(flags, page),
    );
    return { summary: found, reason: probe.signal.reason as unknown };
  });
  page.write(
    flags.json ? renderJson(pingSummaryValue(summary)) : renderText(pingSummaryText(summary)),
  );
  await page.finish();
  // Ctrl-C is the usual end of a ping; other signals stop the command.
  if (reason instanceof StoppedError && reason.signal !== 'SIGINT') throw reason;
  return exitCode(summary);
}

/** Whether the running `up` resolves the name, with its own name servers. */
function isLookedUpByUp(host: string, hosts: HostNames, { via }: TunnelAccess): boolean {
  return via === 'shared' && isIP(host) === 0 && !hosts.has(hostKey(host));
}

/** Prints in order. If printing fails, for example because of `| head`, the ping must end. */
class PingPage {
  readonly #print: (text: string) => Promise<void>;
  readonly #failure = new AbortController();
  #printed: Promise<void> = Promise.resolve();

  constructor(print: (text: string) => Promise<void>) {
    this.#print = print;
  }

  /** Aborts if printing fails. */
  get signal(): AbortSignal {
    return this.#failure.signal;
  }

  write(text: string): void {
    this.#printed = this.#printed
      .then(() => (this.signal.aborted ? undefined : this.#print(text)))
      .catch((error: unknown) => this.#failure.abort(error));
  }

  /** @throws Error of the system, unless the reader has closed the pipe */
  async finish(): Promise<void> {
    await this.#printed;
    const reason: unknown = this.signal.reason;
    if (this.signal.aborted && codeOf(reason) !== 'EPIPE') throw reason;
  }
}

function observer({ json, quiet }: PingChoice, page: PingPage): PingObserver {
  const write = (text: string) => page.write(renderText(text));
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
