/**
 * Ensures that a SIM is used by only one tunnel: a second `up` or `send` on this machine fails or,
 * if the SIM is used by a `send`, waits until that `send` ends. Two tunnels with one key keep
 * disconnecting each other (docs/decisions/0014-one-sim-per-sandbox.md).
 */
import { isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import { sameBytes } from '../../lib/same-bytes.js';
import type { KeyClaim, KeyClaims } from '../../ports/key-claims.js';
import type { Log } from '../../ports/log.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { readSimUse, simUseLine, simUseText, type SimUse } from './sim-use.js';

export interface ClaimSimOptions {
  readonly publicKey: Uint8Array;
  /** Returns what this process currently tells other processes about itself. */
  readonly use: () => SimUse;
  /** Whether the user allows two tunnels with one key. */
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ClaimSimPorts extends Pick<TunnelPorts, 'clock' | 'log'> {
  readonly claims: KeyClaims;
}

/** How long to wait for each earlier `send` to finish, in milliseconds. */
const LONGEST_WAIT = 30_000;

/** The interval in milliseconds between attempts to claim the key. */
const ATTEMPT_INTERVAL = 100;

/**
 * The interval in milliseconds between queries to the key's holder. Queries are repeated because an
 * `up` may follow a `send`.
 */
const QUESTION_INTERVAL = 1_000;

/**
 * For this many milliseconds, an unresponsive holder is treated as a `send` that may be exiting.
 */
const LONGEST_DOUBT = 3_000;

/** @throws UserError of kind `tunnel` if another process is using the SIM; the abort reason */
export async function claimSim(options: ClaimSimOptions, ports: ClaimSimPorts): Promise<SimClaim> {
  return new SimClaim(await claimKey(options, ports), options, ports);
}

/** This process's claim to a SIM, which close() releases. */
export class SimClaim {
  #claim: KeyClaim;
  #options: ClaimSimOptions;
  readonly #ports: ClaimSimPorts;

  constructor(claim: KeyClaim, options: ClaimSimOptions, ports: ClaimSimPorts) {
    this.#claim = claim;
    this.#options = options;
    this.#ports = ports;
  }

  /** Claims the running tunnel's new key. Logs a warning if another process is using that key. */
  async follow(publicKey: Uint8Array): Promise<void> {
    if (sameBytes(publicKey, this.#options.publicKey)) return;
    await this.#claim.close();
    this.#options = { ...this.#options, publicKey, force: true, signal: undefined };
    this.#claim = await claimKey(this.#options, this.#ports);
  }

  close(): Promise<void> {
    return this.#claim.close();
  }
}

async function claimKey(options: ClaimSimOptions, ports: ClaimSimPorts): Promise<KeyClaim> {
  const { publicKey, use, force, signal } = options;
  const { claims, clock, log } = ports;
  const began = clock.now();
  let holder: Holder | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const claim = await take(publicKey, use, ports);
    if (claim !== undefined) return claim;
    const isFirst = holder === undefined;
    if (holder === undefined || clock.now() - holder.at >= QUESTION_INTERVAL) {
      holder = { ...(await askHolder(publicKey, claims)), at: clock.now() };
      if (force) return forced(holder, log);
    }
    const { isPresent, reason } = holder;
    if (isPresent && clock.now() - began >= patienceFor(holder)) {
      throw inUse(use().command, holder);
    }
    if (isFirst && isPresent) log.info({ reason }, 'waiting until the SIM is free');
    await pause(ATTEMPT_INTERVAL, clock, signal);
  }
}

interface Holder {
  /** False if the key was free when the holder was queried. */
  readonly isPresent: boolean;
  /** The holder's use of the SIM; undefined if the holder did not respond. */
  readonly use: SimUse | undefined;
  readonly reason: string;
  readonly at: number;
}

function patienceFor({ use }: Holder): number {
  if (use === undefined) return LONGEST_DOUBT;
  return use.command === 'send' ? LONGEST_WAIT : 0;
}

/** Claims the key. On a machine that does not support claims, a tunnel can still be opened. */
async function take(
  publicKey: Uint8Array,
  use: () => SimUse,
  { claims, log }: ClaimSimPorts,
): Promise<KeyClaim | undefined> {
  try {
    return await claims.take(publicKey, () => simUseLine(use()));
  } catch (error) {
    const reason = messageOf(error);
    log.debug({ reason }, 'cannot detect whether another arctun process is using this SIM');
    return UNKEPT;
  }
}

const UNKEPT: KeyClaim = { close: () => Promise.resolve() };

/**
 * Returns a clause that names the process using a SIM: `arctun up (pid 4711) is using this SIM`.
 */
export async function findSimHolder(
  publicKey: Uint8Array,
  claims: KeyClaims,
): Promise<string | undefined> {
  const { isPresent, reason } = await askHolder(publicKey, claims);
  return isPresent ? reason : undefined;
}

async function askHolder(publicKey: Uint8Array, claims: KeyClaims): Promise<Omit<Holder, 'at'>> {
  try {
    const line = await claims.holder(publicKey);
    if (line === undefined) return { isPresent: false, use: undefined, reason: 'unused' };
    const use = readSimUse(line);
    const reason =
      use === undefined
        ? 'another process is using this SIM'
        : `${simUseText(use)} is using this SIM`;
    return { isPresent: true, use, reason };
  } catch (error) {
    const reason = isDenied(error)
      ? "another user's process is using this SIM"
      : `an unidentified process is using this SIM (${messageOf(error)})`;
    return { isPresent: true, use: undefined, reason };
  }
}

function forced({ isPresent, reason }: Holder, log: Log): KeyClaim {
  if (isPresent)
    log.warn({ reason }, 'the two tunnels that use this SIM will keep disconnecting each other');
  return UNKEPT;
}

function inUse(command: SimUse['command'], { use, reason }: Holder): UserError {
  const what = command === 'send' ? 'cannot send' : 'cannot open the tunnel';
  const why =
    use === undefined
      ? reason
      : `${simUseText(use)} is already using this SIM${use.command === 'send' ? ', and did not exit within 30 s' : ''}`;
  const nothing = command === 'send' ? ['Nothing was sent.'] : [];
  return new UserError('tunnel', { what, why, next: [...nothing, remedyFor(command, use)] });
}

function remedyFor(command: SimUse['command'], use: SimUse | undefined): string {
  const force = 'add --force (the two tunnels will then keep disconnecting each other)';
  if (use === undefined) return `Stop that process, or ${force}.`;
  const stop = `stop that process with "kill ${use.pid}", or ${force}`;
  if (use.forward !== undefined) {
    return `${command === 'send' ? 'Post the message' : 'Send requests'} to ${use.forward}/ instead, or ${stop}.`;
  }
  if (use.interface !== undefined) {
    return `Send through the existing network interface ${use.interface} instead, or ${stop}.`;
  }
  return `${stop.charAt(0).toUpperCase()}${stop.slice(1)}.`;
}
