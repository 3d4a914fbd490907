/**
 * Compares this machine's clock with SORACOM's. A WireGuard server ignores handshakes whose
 * timestamp (TAI64N) is not later than the last one that it has seen (whitepaper 5.1).
 */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Check, failed, ok, type Problem, sentence, skipped } from './check.js';
import type { DoctorPorts } from './doctor-ports.js';

/** How long to wait for the API's answer, in milliseconds. */
const TIMEOUT = 5_000;

/** A smaller difference in milliseconds may be the delay of a slow network. */
const TOLERANCE = 60_000;

const REMEDY = "Set this machine's clock, for example with NTP (timedatectl set-ntp true).";

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
  return failed('clock', { ...problem, remedy: REMEDY });
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
