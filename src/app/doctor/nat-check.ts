/**
 * Measures whether a NAT keeps the tunnel's mapping for as long as the keepalive interval requires:
 * nothing is sent for that time, and then SORACOM pings the SIM. The tunnel must not send
 * keepalives.
 */
import { pause } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { type Check, failed, ok, skipped, skippedFor } from './check.js';

/**
 * The longest silence in seconds. WireGuard's keys expire after 180 s (whitepaper 6.1), and a new
 * handshake would open a new mapping.
 */
const LONGEST = 120;

/** The silence in seconds if the configuration does not have an interval. */
const DEFAULT = 60;

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

/** What the check needs from SORACOM and from the tunnel. */
export interface NatProbe {
  /** Makes SORACOM ping the SIM. Resolves with true if SORACOM received the reply. */
  pingFromSoracom(): Promise<boolean>;
  /** Exchanges packets, so that a mapping exists. Resolves with false without an answer. */
  openMapping(): Promise<boolean>;
  /** Returns a number that grows with each message that the tunnel sends or receives. */
  traffic(): Promise<number>;
  /** Whether another tunnel has used the SIM since the start. */
  hasRival(): boolean;
}

export interface NatOptions {
  /** The keepalive interval of arc.json, in milliseconds; 0 for none. */
  readonly persistentKeepalive: number;
  /** The name of arc.json in messages. */
  readonly source: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/** @throws the abort reason of `options.signal`; any error of `probe` */
export async function checkNat(options: NatOptions, probe: NatProbe, clock: Clock): Promise<Check> {
  const check = await measure(options, probe, clock);
  // If a rival takes the session, missing replies prove nothing.
  return probe.hasRival() ? skippedFor('nat', 'rival') : check;
}

async function measure(options: NatOptions, probe: NatProbe, clock: Clock): Promise<Check> {
  options.onStep('Asking SORACOM to ping this SIM');
  if (!(await isReached(probe))) {
    return skipped('nat', 'SORACOM cannot ping this SIM, so the NAT cannot be measured');
  }
  const wanted = options.persistentKeepalive / 1000 || DEFAULT;
  const interval = Math.min(wanted, LONGEST);
  const result = await keeps(interval, options, probe, clock);
  if (result === 'no-answer') {
    return skipped('nat', 'the name server did not answer, so no mapping was opened');
  }
  if (result === 'disturbed') {
    return skipped('nat', `other traffic interrupted the silence of ${interval} s`);
  }
  if (result === 'unknown') {
    return skipped('nat', `SORACOM could not ping this SIM again after ${interval} s of silence`);
  }
  if (result === 'kept') {
    const limit = wanted > interval ? ', which is the longest time that can be measured' : '';
    return ok('nat', `Any NAT on the way keeps its mapping for at least ${interval} s${limit}.`);
  }
  return lost(interval, options, probe, clock);
}

/** Builds the failure, and looks for an interval that works. */
async function lost(
  interval: number,
  options: NatOptions,
  probe: NatProbe,
  clock: Clock,
): Promise<Check> {
  const shorter = SHORTER.filter((one) => one < interval).slice(0, MOST_SHORTER);
  let shortestLost = interval;
  let kept: number | undefined;
  for (const candidate of shorter) {
    const result = await keeps(candidate, options, probe, clock);
    if (result === 'kept') kept = candidate;
    if (result !== 'lost') break;
    shortestLost = candidate;
  }
  return failed('nat', {
    kind: 'tunnel',
    text: `SORACOM cannot reach this SIM after ${interval} s of silence.`,
    cause: `A NAT or firewall on the way forgets the tunnel's mapping within ${shortestLost} s, and passes packets again after this machine has sent one.`,
    remedy: remedyFor(kept, shortestLost, options.source),
  });
}

function remedyFor(kept: number | undefined, shortestLost: number, source: string): string {
  if (kept !== undefined) {
    return `Set "persistentKeepalive": ${kept} in ${source}, because a mapping was kept for ${kept} s.`;
  }
  if (shortestLost > 1)
    return `Set "persistentKeepalive" in ${source} to less than ${shortestLost}.`;
  return 'Make the NAT or firewall keep UDP mappings for longer.';
}

/**
 * - `kept`: a ping arrived after the silence
 * - `lost`: no ping arrived until this machine had sent something
 * - `no-answer`: the exchange that opens the mapping got no answer, so nothing was measured
 * - `disturbed`: other messages prevented the silence
 * - `unknown`: pings do not arrive any more
 */
type Result = 'kept' | 'lost' | 'no-answer' | 'disturbed' | 'unknown';

async function keeps(
  seconds: number,
  { signal, onStep }: NatOptions,
  probe: NatProbe,
  clock: Clock,
): Promise<Result> {
  onStep(`Sending nothing for ${seconds} s, to see whether a NAT keeps its mapping`);
  // After this exchange, the last message is this machine's acknowledgment. After a ping, it would be
  // that of the server, which some NATs do not count as use of the mapping.
  if (!(await probe.openMapping())) return 'no-answer';
  if (!(await isSilentFor(seconds * 1000, signal, probe, clock))) return 'disturbed';
  if (await isReached(probe)) return 'kept';
  const isOpen = await probe.openMapping();
  return isOpen && (await isReached(probe)) ? 'lost' : 'unknown';
}

async function isReached(probe: NatProbe): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await probe.pingFromSoracom()) return true;
  }
  return false;
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
  let traffic = await probe.traffic();
  for (;;) {
    // An acknowledgment that is sent later would open a mapping again.
    const earliestEnd = isAcknowledged ? 0 : opened + ACKNOWLEDGMENT.latest;
    const left = Math.max(start + duration, earliestEnd) - clock.now();
    if (left <= 0) return true;
    await pause(Math.min(left, WATCH_INTERVAL), clock, signal);
    signal.throwIfAborted();
    const seen = await probe.traffic();
    if (seen === traffic) continue;
    traffic = seen;
    start = clock.now();
    isAcknowledged ||= start >= opened + ACKNOWLEDGMENT.earliest;
    if (start > opened + SETTLING) return false;
  }
}
