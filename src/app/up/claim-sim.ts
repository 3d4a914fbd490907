/**
 * Ensures that a SIM is used by only one tunnel: a second one on this machine fails or, if the SIM
 * is used by a command such as `send`, waits until that command ends. Two tunnels with one key keep
 * disconnecting each other (docs/decisions/0014-one-sim-per-sandbox.md).
 */
import { isDenied, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import { sameBytes } from '../../lib/same-bytes.js';
import type { KeyClaim, KeyClaims } from '../../ports/key-claims.js';
import type { Log } from '../../ports/log.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { readSimUse, type SimCommand, simUseLine, simUseText, type SimUse } from './sim-use.js';

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

/**
 * How long to wait, in milliseconds, for each earlier command other than `up` to finish, and for an
 * `up` that is stopping.
 */
export const LONGEST_WAIT = 30_000;

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

/** An `up` whose tunnel other commands of the same user can use. */
export interface SharingUp {
  readonly use: SimUse & { readonly socket: string };
}

/**
 * Like claimSim(), but returns the process that is using the SIM if it shares its tunnel.
 *
 * @param wait how long to wait, in milliseconds, for an `up` that is opening its tunnel; 0 waits
 * forever
 */
export async function claimOrShare(
  options: ClaimSimOptions & { readonly wait: number },
  ports: ClaimSimPorts,
): Promise<SimClaim | SharingUp> {
  const opening = options.wait === 0 ? Infinity : options.wait;
  const claim = await claimKey(options, ports, opening);
  return 'use' in claim ? claim : new SimClaim(claim, options, ports);
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

function claimKey(options: ClaimSimOptions, ports: ClaimSimPorts): Promise<KeyClaim>;
function claimKey(
  options: ClaimSimOptions,
  ports: ClaimSimPorts,
  opening: number,
): Promise<KeyClaim | SharingUp>;
/** @param opening the patience with an opening `up`, if this process can share its tunnel */
async function claimKey(
  options: ClaimSimOptions,
  ports: ClaimSimPorts,
  opening?: number,
): Promise<KeyClaim | SharingUp> {
  const { publicKey, use, force, signal } = options;
  const { claims, clock, log } = ports;
  const began = clock.now();
  let holder: Holder | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const claim = await take(publicKey, use, ports);
    if (claim !== undefined) return claim;
    const isFirst = holder === undefined;
    if (holder === undefined || clock.now() - holder.at >= questionInterval(holder)) {
      holder = { ...(await askHolder(publicKey, claims)), at: clock.now() };
      if (force) return forced(holder, log);
    }
    const { isPresent, reason, use: held } = holder;
    if (opening !== undefined && isSharing(held)) return { use: held };
    if (isPresent && clock.now() - began >= patienceFor(holder, opening)) {
      const { command, pid } = use();
      throw held?.pid === pid ? inUseHere(command) : inUse(command, holder);
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

function patienceFor({ use }: Holder, opening = 0): number {
  if (use === undefined) return LONGEST_DOUBT;
  if (use.command !== 'up') return LONGEST_WAIT;
  return isOpening(use) ? opening : 0;
}

function questionInterval({ use }: Holder): number {
  return isOpening(use) ? ATTEMPT_INTERVAL : QUESTION_INTERVAL;
}

/** Whether the process is an `up` that has not reported its listeners yet. */
function isOpening(use: SimUse | undefined): boolean {
  return use?.command === 'up' && use.forward === undefined && use.interface === undefined;
}

function isSharing(use: SimUse | undefined): use is SharingUp['use'] {
  return use?.command === 'up' && use.socket !== undefined;
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

/** The process that is using a SIM. */
export interface SimHolder {
  /** A clause: `arctun up (pid 4711) is using this SIM`. */
  readonly clause: string;
  /** The command; undefined if it is unknown, for example because another user runs it. */
  readonly command: SimCommand | undefined;
}

export async function findSimHolder(
  publicKey: Uint8Array,
  claims: KeyClaims,
): Promise<SimHolder | undefined> {
  const { isPresent, reason, use } = await askHolder(publicKey, claims);
  return isPresent ? { clause: reason, command: use?.command } : undefined;
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

/** The advice if an `up` does not share its tunnel with the commands of the same user. */
const RESTART =
  'That process is another version of arctun, or has no control socket. To use its tunnel in this command, restart it.';

const FAILED: Readonly<Record<SimUse['command'], string>> = {
  up: 'cannot open the tunnel',
  send: 'cannot send',
  exec: 'cannot run the program',
  connect: 'cannot connect',
  ping: 'cannot ping',
  dig: 'cannot look up the name',
  doctor: 'cannot check the tunnel',
};

/** Builds the error if another process is using the SIM. */
export function inUse(
  command: SimUse['command'],
  { use, reason }: Pick<Holder, 'use' | 'reason'>,
): UserError {
  const isLate = use !== undefined && use.command !== 'up';
  const why =
    use === undefined
      ? reason
      : `${simUseText(use)} is already using this SIM${isLate ? ', and did not exit within 30 s' : ''}`;
  const next = [...undone(command), ...remedyFor(command, use)];
  return new UserError('tunnel', { what: FAILED[command], why, next });
}

/** Builds the error if this process already has a tunnel with the SIM. */
function inUseHere(command: SimUse['command']): UserError {
  return new UserError('tunnel', {
    what: FAILED[command],
    why: 'another configuration of this process is already using this SIM',
    next: ['Remove one of the two configurations, or create a virtual SIM for it.'],
  });
}

/** Builds the error if an `up` holds the SIM, but no longer answers at its control socket. */
export function closedSocket(
  command: SimUse['command'],
  use: SharingUp['use'],
  cause: unknown,
): UserError {
  const why = `${simUseText(use)} is using this SIM, but does not accept commands at ${use.socket}`;
  const stop = `Stop that process with "kill ${use.pid}", and repeat the command after it has ended.`;
  const next = [...undone(command), stop];
  return new UserError('tunnel', { what: FAILED[command], why, next, cause });
}

function undone(command: SimUse['command']): readonly string[] {
  return command === 'send' ? ['Nothing was sent.'] : [];
}

function remedyFor(command: SimUse['command'], use: SimUse | undefined): readonly string[] {
  const force = 'add --force (the two tunnels will then keep disconnecting each other)';
  if (use === undefined) return [`Stop that process, or ${force}.`];
  const stop = `stop that process with "kill ${use.pid}", or ${force}`;
  const alone = `${stop.charAt(0).toUpperCase()}${stop.slice(1)}.`;
  if (use.command !== 'up') {
    const share =
      'To use the SIM in several commands at once, run "arctun up" in another terminal.';
    return command === 'up' ? [alone] : [share, alone];
  }
  const instead = insteadOf(command, use);
  const first = instead === undefined ? alone : `${instead} instead, or ${stop}.`;
  return command === 'up' || use.socket !== undefined ? [first] : [first, RESTART];
}

/** Says how to use the existing tunnel, if it is open and cannot be shared. */
function insteadOf(command: SimUse['command'], use: SimUse): string | undefined {
  if (use.forward !== undefined) {
    return `${command === 'send' ? 'Post the message' : 'Send requests'} to ${use.forward}/`;
  }
  if (use.interface === undefined) return undefined;
  return `Send through the existing network interface ${use.interface}`;
}
