/**
 * Measures whether a NAT keeps the tunnel's mapping for as long as the keepalive interval requires:
 * nothing is sent for that time, and then SORACOM pings the SIM. The tunnel must not send
 * keepalives.
 */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { pause } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { ApiError } from '../../soracom/api-error.js';
import type { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import { signedIn } from '../credentials/signed-in.js';
import { isForbidden } from '../sim/virtual-sims.js';
import { type Check, failed, LABELS, ok, skipped, skippedFor } from './check.js';
import type { AccountApi, DoctorPorts } from './doctor-ports.js';
import { checkNameServers } from './inside-checks.js';
import { isRival } from './rival-check.js';

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

export interface NatRequest {
  readonly simId: string;
  readonly profile: ArcProfile | undefined;
  readonly onStep: (step: string) => void;
  /** The result if SORACOM cannot be asked; undefined if it can. */
  readonly obstacle: Check | undefined;
}

export interface NatOptions {
  /** A tunnel that does not send keepalives. */
  readonly tunnel: Pick<UserspaceTunnel, 'datagramDialer' | 'onRival' | 'status'>;
  /** A name server that answers. */
  readonly server: string;
  /** The keepalive interval of arc.json, in milliseconds. */
  readonly persistentKeepalive: number;
  /** The name of arc.json in messages. */
  readonly source: string;
  readonly signal: AbortSignal;
  /** Called with a clause that explains why another tunnel must be using the SIM. */
  readonly onRival: (why: string) => void;
}

type NatPorts = Pick<DoctorPorts, 'account' | 'clock' | 'entropy'>;

/**
 * SORACOM pings only a SIM that it knows, and so the check of the SIM must have succeeded.
 *
 * @param sim the check of the SIM
 * @returns the result if SORACOM cannot be asked
 */
export function natObstacle(sim: Check): Check | undefined {
  if (sim.outcome !== 'failed') {
    return sim.outcome === 'ok' ? undefined : { ...sim, name: 'nat' };
  }
  if (sim.kind === 'tunnel') return skippedFor('nat', 'sim');
  // The SIM may have no problem: SORACOM did not report it.
  return skipped('nat', `SORACOM did not report this SIM, for the reason under "${LABELS.sim}"`);
}

/** @throws the abort reason of `options.signal` */
export async function checkNat(
  request: NatRequest,
  options: NatOptions,
  ports: NatPorts,
): Promise<Check> {
  if (request.obstacle !== undefined) return request.obstacle;
  const { signal } = options;
  try {
    return await signedIn(request.profile, ports.account, signal, (api) =>
      new Measurement(request, options, api, ports).check(),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (isForbidden(error)) {
      return skipped('nat', 'the credentials do not have the permission Sim:sendDownlinkPing');
    }
    if (!(error instanceof ApiError)) throw error;
    return skipped('nat', `SORACOM did not ping this SIM: ${error.why.replace(/\.$/, '')}`);
  }
}

/**
 * The result of a silence:
 * - `kept`: a ping arrived after the silence
 * - `lost`: no ping arrived until this machine had sent something
 * - `no-answer`: the exchange that opens the mapping got no answer, so nothing was measured
 * - `disturbed`: other messages prevented the silence
 * - `unknown`: pings do not arrive any more
 * - `rival`: another tunnel answered a ping
 */
type Result = 'kept' | 'lost' | 'no-answer' | 'disturbed' | 'unknown' | 'rival';

/**
 * - `reached`: SORACOM received this tunnel's reply
 * - `silent`: no reply arrived
 * - `rival`: a reply arrived, but this tunnel did not send it
 */
type Ping = 'reached' | 'silent' | 'rival';

const RIVAL_ANSWERED = skipped('nat', 'another tunnel with this SIM answered the ping');

const OTHERS_FIRST = 'Stop other tunnels with this SIM. If there are none,';

class Measurement {
  readonly #request: NatRequest;
  readonly #options: NatOptions;
  readonly #api: AccountApi;
  readonly #ports: NatPorts;
  readonly #clock: Clock;
  #hasRival = false;

  constructor(request: NatRequest, options: NatOptions, api: AccountApi, ports: NatPorts) {
    this.#request = request;
    this.#options = options;
    this.#api = api;
    this.#ports = ports;
    this.#clock = ports.clock;
    options.tunnel.onRival((seen) => {
      if (!isRival(seen)) return;
      this.#hasRival = true;
      options.onRival(seen.why);
    });
  }

  /** @throws any error of SORACOM's API before a loss is proven; the abort reason */
  async check(): Promise<Check> {
    const check = await this.#measure();
    // If a rival takes the session, missing replies prove nothing.
    return this.#hasRival ? skippedFor('nat', 'rival') : check;
  }

  async #measure(): Promise<Check> {
    const start = this.#clock.now();
    this.#request.onStep('Asking SORACOM to ping this SIM');
    const first = await this.#ping();
    if (first === 'rival') return RIVAL_ANSWERED;
    if (first === 'silent') {
      return skipped('nat', 'SORACOM cannot ping this SIM, so the NAT cannot be measured');
    }
    const wanted = this.#options.persistentKeepalive / 1000;
    const interval = Math.min(wanted, LONGEST);
    const limit = wanted > interval ? ', which is the longest time that can be measured' : '';
    const result = await this.#keeps(interval);
    if (result !== 'lost') return checkOf(result, interval, limit);
    // A short outage looks the same, but does not happen at the end of two silences.
    const repeated = await this.#keeps(interval);
    if (repeated !== 'lost') return checkOf(repeated, interval, ', but only at the second attempt');
    return this.#lost(interval, start + LONGEST_CHECK);
  }

  /** Builds the failure, and looks for an interval that works. */
  async #lost(interval: number, deadline: number): Promise<Check> {
    const shorter = SHORTER.filter((one) => one < interval).slice(0, MOST_SHORTER);
    let shortestLost = interval;
    let kept: number | undefined;
    for (const candidate of shorter) {
      const needed = candidate * 1000 + ACKNOWLEDGMENT.latest + PINGS;
      if (this.#clock.now() + needed > deadline) continue;
      const result = await this.#keepsIfAsked(candidate);
      if (result === 'rival') return RIVAL_ANSWERED;
      if (result === 'kept') kept = candidate;
      if (result !== 'lost') break;
      shortestLost = candidate;
    }
    return failed('nat', {
      kind: 'tunnel',
      text: `SORACOM cannot reach this SIM after ${interval} s of silence.`,
      cause: `A NAT or firewall on the way probably forgets the tunnel's mapping within ${interval} s, or another tunnel with this SIM sends keepalives, because twice, pings arrived only after this machine had sent a packet.`,
      remedy: remedyFor(kept, shortestLost, this.#options.source),
    });
  }

  /** Without SORACOM, no shorter interval can be found, but the loss remains proven. */
  async #keepsIfAsked(seconds: number): Promise<Result> {
    try {
      return await this.#keeps(seconds);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (!(error instanceof ApiError)) throw error;
      return 'unknown';
    }
  }

  async #keeps(seconds: number): Promise<Result> {
    this.#request.onStep(
      `Sending nothing for ${seconds} s, to see whether a NAT keeps its mapping`,
    );
    // After this exchange, the last message is this machine's acknowledgment. After a ping, it would
    // be that of the server, which some NATs do not count as use of the mapping.
    if (!(await this.#openMapping())) return 'no-answer';
    if (!(await this.#isSilentFor(seconds * 1000))) return 'disturbed';
    const reply = await this.#ping();
    if (reply !== 'silent') return reply === 'reached' ? 'kept' : 'rival';
    if (!(await this.#openMapping())) return 'unknown';
    const again = await this.#ping();
    if (again === 'silent') return 'unknown';
    return again === 'reached' ? 'lost' : 'rival';
  }

  /** Makes SORACOM ping the SIM. */
  async #ping(): Promise<Ping> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await this.#traffic();
      if (!(await this.#api.sendDownlinkPing(this.#request.simId)).success) continue;
      const after = await this.#traffic();
      // An idle tunnel with the same key answers without any other sign.
      const hasReceived = after.received - before.received > KEEPALIVE_LENGTH;
      const hasSent = after.sent - before.sent > KEEPALIVE_LENGTH;
      if (hasReceived && hasSent) return 'reached';
      this.#options.onRival('SORACOM received a reply to a ping, and this tunnel did not send it');
      return 'rival';
    }
    return 'silent';
  }

  /** Exchanges packets, so that a mapping exists. Resolves with false without an answer. */
  async #openMapping(): Promise<boolean> {
    const { tunnel, server, signal } = this.#options;
    const { answering } = await checkNameServers([server], tunnel, this.#ports.entropy, signal);
    return answering.length > 0;
  }

  /**
   * Call this right after an exchange. Resolves with true as soon as no message has passed for a
   * duration since the acknowledgment of the exchange; with false if messages still pass after the
   * tunnel had time to settle.
   */
  async #isSilentFor(duration: number): Promise<boolean> {
    const { signal } = this.#options;
    const opened = this.#clock.now();
    let start = opened;
    let isAcknowledged = false;
    let { total } = await this.#traffic();
    for (;;) {
      // An acknowledgment that is sent later would open a mapping again.
      const earliestEnd = isAcknowledged ? 0 : opened + ACKNOWLEDGMENT.latest;
      const left = Math.max(start + duration, earliestEnd) - this.#clock.now();
      if (left <= 0) return true;
      await pause(Math.min(left, WATCH_INTERVAL), this.#clock, signal);
      signal.throwIfAborted();
      const seen = await this.#traffic();
      if (seen.total === total) continue;
      ({ total } = seen);
      start = this.#clock.now();
      isAcknowledged ||= start >= opened + ACKNOWLEDGMENT.earliest;
      if (start > opened + SETTLING) return false;
    }
  }

  /** Returns the bytes of all messages since the tunnel was opened, with keepalives. */
  async #traffic(): Promise<{ sent: number; received: number; total: number }> {
    const { peers } = await this.#options.tunnel.status();
    const sent = peers.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    const received = peers.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
    return { sent, received, total: sent + received };
  }
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

function remedyFor(kept: number | undefined, shortestLost: number, source: string): string {
  if (kept !== undefined) {
    return `${OTHERS_FIRST} set "persistentKeepalive": ${kept} in ${source}, because a mapping was kept for ${kept} s.`;
  }
  if (shortestLost > 1)
    return `${OTHERS_FIRST} set "persistentKeepalive" in ${source} to less than ${shortestLost}.`;
  return `${OTHERS_FIRST} make the NAT or firewall keep UDP mappings for longer.`;
}
