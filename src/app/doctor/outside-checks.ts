/** Checks what is outside this machine and the tunnel: SORACOM's clock and records, and names. */
import { type ArcProfile, SKELETON_SIM_ID } from '../../arc-config/arc-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { inTime, untilAborted } from '../../lib/waits.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { MissingCredentialsError } from '../credentials/missing-credentials.js';
import { signedIn } from '../credentials/signed-in.js';
import { diagnoseSim, type FindingKind } from '../sim/diagnose-sim.js';
import { requireSim } from '../sim/sim-summary.js';
import { isForbidden } from '../sim/virtual-sims.js';
import { attempt, type Check, failed, ok, type Problem, sentence, skipped } from './check.js';
import type { DoctorPorts } from './doctor-ports.js';

/** How long to wait in milliseconds: for one answer, and for all calls about the SIM. */
const TIMEOUT = 5_000;
const ACCOUNT_TIMEOUT = 8_000;

export async function checkServerName(
  { endpoint: { host }, configName }: Pick<TunnelConfig, 'endpoint' | 'configName'>,
  signal: AbortSignal,
  { resolver, clock }: Pick<DoctorPorts, 'resolver' | 'clock'>,
): Promise<Check> {
  let cause: string;
  try {
    const found = await inTime(resolver.resolve(host, signal), TIMEOUT, clock, signal);
    const addresses = found?.addresses.join(', ') ?? '';
    if (addresses === host) return ok('server-name', `The Arc server's address is ${host}.`);
    if (addresses !== '') return ok('server-name', `${host} has the address ${addresses}.`);
    cause = `the resolver did not answer within ${TIMEOUT / 1000} s`;
  } catch (error) {
    signal.throwIfAborted();
    cause = messageOf(error);
  }
  return failed('server-name', {
    kind: 'tunnel',
    text: `The name of the Arc server, ${host}, was not found.`,
    cause: sentence(cause),
    remedy: `Correct arcServerEndpoint in ${configName.source} if it is wrong, otherwise this machine's DNS settings.`,
  });
}

/** A smaller difference in milliseconds may be the delay of a slow network. */
const TOLERANCE = 60_000;

/**
 * Compares this machine's clock with SORACOM's. A WireGuard server ignores handshakes whose
 * timestamp (TAI64N) is not later than the last one that it has seen (whitepaper 5.1).
 */
export async function checkClock(
  profile: ArcProfile | undefined,
  signal: AbortSignal,
  ports: Pick<DoctorPorts, 'serverTime' | 'wallClock'>,
): Promise<Check> {
  const began = ports.wallClock.unixMilliseconds();
  const timeout = AbortSignal.timeout(TIMEOUT);
  let theirs: number | undefined;
  try {
    theirs = await ports.serverTime(profile, AbortSignal.any([signal, timeout]));
  } catch (error) {
    signal.throwIfAborted();
    if (isClockFailure(error)) {
      const text = "This machine's clock is wrong.";
      return wrongClock({ kind: 'tunnel', text, cause: sentence(messageOf(error)) });
    }
    if (error instanceof UserError) throw error;
    const why = timeout.aborted ? `within ${TIMEOUT / 1000} s` : `(${messageOf(error)})`;
    return skipped('clock', `the SORACOM API did not answer ${why}`);
  }
  if (theirs === undefined) return skipped('clock', 'the SORACOM API did not report its time');
  const ended = ports.wallClock.unixMilliseconds();
  // The Date was written between the two moments, and has a resolution of a second.
  const behind = theirs - ended;
  const ahead = began - (theirs + 1_000);
  if (behind <= TOLERANCE && ahead <= TOLERANCE) {
    return ok('clock', "This machine's clock agrees with SORACOM's.");
  }
  if (behind > 0) {
    return wrongClock({
      kind: 'tunnel',
      text: `This machine's clock is ${durationText(behind)} slow.`,
      cause: `SORACOM's clock is ${durationText(behind)} ahead; the server ignores handshakes that are older than an earlier one.`,
    });
  }
  return wrongClock({
    kind: 'failed',
    text: `This machine's clock is ${durationText(ahead)} fast.`,
    cause: `SORACOM's clock is ${durationText(ahead)} behind; after the clock is corrected, handshakes look older than earlier ones.`,
  });
}

function wrongClock(problem: Pick<Problem, 'kind' | 'text' | 'cause'>): Check {
  const remedy = "Set this machine's clock, for example with NTP (timedatectl set-ntp true).";
  return failed('clock', { ...problem, remedy });
}

/** Whether the certificate of the API is invalid by this machine's clock. */
function isClockFailure(error: unknown): boolean {
  return (error as { readonly failure?: unknown } | undefined)?.failure === 'tls-clock';
}

function durationText(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** What each finding means for the tunnel. The check of the keys reports `public-key`. */
const TEXTS: Readonly<Record<Exclude<FindingKind, 'public-key'>, string>> = {
  terminated: 'The SIM is terminated.',
  'no-private-key': 'The private key of the SIM is missing.',
  'other-key': 'The SIM has another key.',
  'no-session': 'The session of the SIM has ended.',
  'other-session': 'The SIM has another session.',
};

export interface CheckedAccount {
  readonly check: Check;
  /** Undefined if SORACOM agrees, or was not asked. */
  readonly finding?: FindingKind | undefined;
}

/** Compares arc.json with the SIM and the session that SORACOM reports, if credentials exist. */
export async function checkAccount(
  arcConfig: LoadedArcConfig,
  signal: AbortSignal,
  ports: Pick<DoctorPorts, 'account' | 'crypto'>,
): Promise<CheckedAccount> {
  let finding: FindingKind | undefined;
  const check = await attempt('sim', signal, async () => {
    const asked = await askAccount(arcConfig, signal, ports);
    finding = asked.finding;
    return asked.check;
  });
  return { check, finding };
}

async function askAccount(
  arcConfig: LoadedArcConfig,
  signal: AbortSignal,
  ports: Pick<DoctorPorts, 'account' | 'crypto'>,
): Promise<CheckedAccount> {
  const { simId, profile } = arcConfig.config;
  const none = (why: string) => ({ check: skipped('sim', why) });
  if (simId === '' || simId === SKELETON_SIM_ID) {
    return none(`${arcConfig.source} does not contain a simId`);
  }
  const timeout = AbortSignal.timeout(ACCOUNT_TIMEOUT);
  const either = AbortSignal.any([signal, timeout]);
  try {
    // A command of a profile that hangs does not know the time limit.
    const asking = signedIn(profile, ports.account, either, (api) => api.getSim(simId));
    const answer = await untilAborted(asking, either);
    const publicKeyOf = (key: Uint8Array) => ports.crypto.publicKey(key);
    return resultOf(diagnoseSim(requireSim(answer, simId), arcConfig, publicKeyOf), simId);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) {
      return none(`the SORACOM API did not answer within ${ACCOUNT_TIMEOUT / 1000} s`);
    }
    if (error instanceof MissingCredentialsError) return none('no credentials for the SORACOM API');
    if (!isForbidden(error)) throw error;
    return none('the credentials do not have the permission Sim:getSim');
  }
}

function resultOf(findings: ReturnType<typeof diagnoseSim>, simId: string): CheckedAccount {
  const [first] = findings.filter(({ kind }) => kind !== 'public-key');
  if (first === undefined) {
    return { check: ok('sim', `SIM ${simId} is active, with the key and session of arc.json.`) };
  }
  const { kind, problem, next } = first;
  const text = kind === 'public-key' ? problem : TEXTS[kind];
  const check = failed('sim', { kind: 'tunnel', text, cause: problem, remedy: next });
  return { check, finding: kind };
}
