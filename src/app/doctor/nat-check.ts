/**
 * Measures whether a NAT keeps the tunnel's mapping for as long as the keepalive interval requires:
 * nothing is sent for that time, and then SORACOM pings the SIM. The tunnel must not send
 * keepalives.
 */
import { pause } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { ApiError } from '../../soracom/api-error.js';
import { type Check, failed, ok, skipped, skippedFor } from './check.js';

/**
 * The longest silence in seconds. WireGuard's keys expire after 180 s (whitepaper 6.1), and a new
 * handshake would open a new mapping.
 */
const LONGEST = 120;

/** Shorter intervals in seconds, which are tried if a mapping is lost. */
const SHORTER = [60, 25, 15, 10, 5, 2, 1];
const MOST_SHORTER = 2;

/** A ping may be lost by chance. A lost ping does not open a mapping again. */
const ATTEMPTS = 2;

/** The interval in milliseconds at which the traffic is watched during the silence. */
const WATCH_INTERVAL = 500;

/**
 * When WireGuard acknowledges the last data of the exchange with a keepalive, in milliseconds after
 * that data: after 10 s (whitepaper 6.5), as seen by this check.
 */
const ACKNOWLEDGMENT = { earliest: 10_000 - 2 * WATCH_INTERVAL, latest: 12_000 };

/** How long, in milliseconds, the tunnel may take to become silent. */
const SETTLING = 30_000;

/** The time in milliseconds for the pings after a silence: two without a reply, and one with. */
const PINGS = 6_000;

/**
 * A shorter interval is tried only if its result comes within this many milliseconds after the
 * start. The API token expires after five minutes.
 */
const LONGEST_CHECK = 290_000;

/** The length in bytes of a message that carries no packet (whitepaper 5.4.6). */
const KEEPALIVE_LENGTH = 32;

/** The bytes of all messages, with keepalives. */
export interface NatTraffic {
  readonly sent: number;
  readonly received: number;
}

/** What the check needs from SORACOM and from the tunnel. */
export interface NatProbe {
  /** Makes SORACOM ping the SIM. Resolves with true if SORACOM received the reply. */
  pingFromSoracom(): Promise<boolean>;
  /** Exchanges packets, so that a mapping exists. Resolves with false without an answer. */
  openMapping(): Promise<boolean>;
  /** Returns what the tunnel has sent and received since its start. */
  traffic(): Promise<NatTraffic>;
  /** Whether another tunnel has used the SIM since the start. */
  hasRival(): boolean;
}

export interface NatOptions {
  /** The keepalive interval of arc.json, in milliseconds. */
  readonly persistentKeepalive: number;
  /** The name of arc.json in messages. */
  readonly source: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
  /** Called with a clause that explains why another tunnel must be using the SIM. */
  readonly onRival: (why: string) => void;
}

/** @throws the abort reason of `options.signal`; any error of `probe` before a loss is proven */
export async function checkNat(options: NatOptions, probe: NatProbe, clock: Clock): Promise<Check> {
  const check = await measure(options, probe, clock);
  // If a rival takes the session, missing replies prove nothing.
  return probe.hasRival() ? skippedFor('nat', 'rival') : check;
}

const RIVAL_ANSWERED = skipped('nat', 'another tunnel with this SIM answered the ping');

async function measure(options: NatOptions, probe: NatProbe, clock: Clock): Promise<Check> {
  const start = clock.now();
  options.onStep('Asking SORACOM to ping this SIM');
  const first = await ping(options, probe);
  if (first === 'rival') return RIVAL_ANSWERED;
  if (first === 'silent') {
    return skipped('nat', 'SORACOM cannot ping this SIM, so the NAT cannot be measured');
  }
  const wanted = options.persistentKeepalive / 1000;
  const interval = Math.min(wanted, LONGEST);
  const limit = wanted > interval ? ', which is the longest time that can be measured' : '';
  const result = await keeps(interval, options, probe, clock);
  if (result !== 'lost') return checkOf(result, interval, limit);
  // A short outage looks the same, but does not happen at the end of two silences.
  const repeated = await keeps(interval, options, probe, clock);
  if (repeated !== 'lost') return checkOf(repeated, interval, ', but only at the second attempt');
  return lost(interval, start + LONGEST_CHECK, options, probe, clock);
}

function checkOf(result: Exclude<Result, 'lost'>, interval: number, note: string): Check {
  switch (result) {
    case 'kept':
      return ok('nat', `SORACOM reached this SIM after ${interval} s of silence${note}.`);
    case 'no-answer':
      return skipped('nat', 'the name server did not answer, so no mapping was opened');
    case 'disturbed':
      return skipped('nat', `other traffic interrupted the silence of ${interval} s`);
    case 'unknown':
      return skipped('nat', `SORACOM could not ping this SIM again after ${interval} s of silence`);
    case 'rival':
      return RIVAL_ANSWERED;
  }
}

/** Builds the failure, and looks for an interval that works. */
async function lost(
  interval: number,
  deadline: number,
  options: NatOptions,
  probe: NatProbe,
  clock: Clock,
): Promise<Check> {
  const shorter = SHORTER.filter((one) => one < interval).slice(0, MOST_SHORTER);
  let shortestLost = interval;
  let kept: number | undefined;
  for (const candidate of shorter) {
    const needed = candidate * 1000 + ACKNOWLEDGMENT.latest + PINGS;
    if (clock.now() + needed > deadline) continue;
    const result = await keepsIfAsked(candidate, options, probe, clock);
    if (result === 'rival') return RIVAL_ANSWERED;
    if (result === 'kept') kept = candidate;
    if (result !== 'lost') break;
    shortestLost = candidate;
  }
  return failed('nat', {
    kind: 'tunnel',
    text: `SORACOM cannot reach this SIM after ${interval} s of silence.`,
    cause: `A NAT or firewall on the way probably forgets the tunnel's mapping within ${interval} s, or another tunnel with this SIM sends keepalives, because twice, pings arrived only after this machine had sent a packet.`,
    remedy: remedyFor(kept, shortestLost, options.source),
  });
}

/** Without SORACOM, no shorter interval can be found, but the loss remains proven. */
async function keepsIfAsked(...parameters: Parameters<typeof keeps>): Promise<Result> {
  try {
    return await keeps(...parameters);
  } catch (error) {
    const [, { signal }] = parameters;
    signal.throwIfAborted();
    if (!(error instanceof ApiError)) throw error;
    return 'unknown';
  }
}

const OTHERS_FIRST = 'Stop other tunnels with this SIM. If there are none,';

function remedyFor(kept: number | undefined, shortestLost: number, source: string): string {
  if (kept !== undefined) {
    return `${OTHERS_FIRST} set "persistentKeepalive": ${kept} in ${source}, because a mapping was kept for ${kept} s.`;
  }
  if (shortestLost > 1)
    return `${OTHERS_FIRST} set "persistentKeepalive" in ${source} to less than ${shortestLost}.`;
  return `${OTHERS_FIRST} make the NAT or firewall keep UDP mappings for longer.`;
}

/**
 * - `kept`: a ping arrived after the silence
 * - `lost`: no ping arrived until this machine had sent something
 * - `no-answer`: the exchange that opens the mapping got no answer, so nothing was measured
 * - `disturbed`: other messages prevented the silence
 * - `unknown`: pings do not arrive any more
 * - `rival`: another tunnel answered a ping
 */
type Result = 'kept' | 'lost' | 'no-answer' | 'disturbed' | 'unknown' | 'rival';

async function keeps(
  seconds: number,
  options: NatOptions,
  probe: NatProbe,
  clock: Clock,
): Promise<Result> {
  options.onStep(`Sending nothing for ${seconds} s, to see whether a NAT keeps its mapping`);
  // After this exchange, the last message is this machine's acknowledgment. After a ping, it would be
  // that of the server, which some NATs do not count as use of the mapping.
  if (!(await probe.openMapping())) return 'no-answer';
  if (!(await isSilentFor(seconds * 1000, options.signal, probe, clock))) return 'disturbed';
  const reply = await ping(options, probe);
  if (reply !== 'silent') return reply === 'reached' ? 'kept' : 'rival';
  if (!(await probe.openMapping())) return 'unknown';
  const again = await ping(options, probe);
  if (again === 'silent') return 'unknown';
  return again === 'reached' ? 'lost' : 'rival';
}

/**
 * - `reached`: SORACOM received this tunnel's reply
 * - `silent`: no reply arrived
 * - `rival`: a reply arrived, but this tunnel did not send it
 */
type Ping = 'reached' | 'silent' | 'rival';

async function ping({ onRival }: NatOptions, probe: NatProbe): Promise<Ping> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await probe.traffic();
    if (!(await probe.pingFromSoracom())) continue;
    const after = await probe.traffic();
    // An idle tunnel with the same key answers without any other sign.
    const hasReceived = after.received - before.received > KEEPALIVE_LENGTH;
    const hasSent = after.sent - before.sent > KEEPALIVE_LENGTH;
    if (hasReceived && hasSent) return 'reached';
    onRival('SORACOM received a reply to a ping, and this tunnel did not send it');
    return 'rival';
  }
  return 'silent';
}

/**
 * Call this right after an exchange. Resolves with true as soon as no message has passed for a
 * duration since the acknowledgment of the exchange; with false if messages still pass after the
 * tunnel had time to settle.
 */
async function isSilentFor(
  duration: number,
  signal: AbortSignal,
  probe: NatProbe,
  clock: Clock,
): Promise<boolean> {
  const opened = clock.now();
  let start = opened;
  let isAcknowledged = false;
  let traffic = await totalTraffic(probe);
  for (;;) {
    // An acknowledgment that is sent later would open a mapping again.
    const earliestEnd = isAcknowledged ? 0 : opened + ACKNOWLEDGMENT.latest;
    const left = Math.max(start + duration, earliestEnd) - clock.now();
    if (left <= 0) return true;
    await pause(Math.min(left, WATCH_INTERVAL), clock, signal);
    signal.throwIfAborted();
    const seen = await totalTraffic(probe);
    if (seen === traffic) continue;
    traffic = seen;
    start = clock.now();
    isAcknowledged ||= start >= opened + ACKNOWLEDGMENT.earliest;
    if (start > opened + SETTLING) return false;
  }
}

async function totalTraffic(probe: NatProbe): Promise<number> {
  const { sent, received } = await probe.traffic();
  return sent + received;
}
