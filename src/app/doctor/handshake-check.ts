/** Checks whether the Arc server answers: in a running `up`, otherwise with a tunnel of its own. */
import type { Silence } from '../../lib/silence.js';
import { isLoopback } from '../../proxy/listen-address.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';
import type { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { StatusReport } from '../status/status-report.js';
import { type Check, type CheckName, failed, LABELS, ok, sentence, skipped } from './check.js';
import type { DoctorPorts } from './doctor-ports.js';
import type { NatRequest } from './nat-check.js';

/**
 * How long to wait for the handshake, in milliseconds: WireGuard repeats an initiation after 5 s
 * (whitepaper 6.4), so that the server gets a second chance.
 */
const PATIENCE = 7_500;

/** What the other checks have found out about a possible silence. */
export interface Background {
  readonly tunnelConfig: TunnelConfig;
  /** Whether SORACOM has the same keys and the same session. */
  readonly isSessionConfirmed: boolean;
  /** The failed check that also explains a missing answer, such as a wrong clock. */
  readonly suspect: CheckName | undefined;
  /** The request to measure the NAT; undefined if it was not made. */
  readonly nat: NatRequest | undefined;
}

export async function checkOwnHandshake(
  tunnel: UserspaceTunnel,
  background: Background,
  signal: AbortSignal,
  { clock }: Pick<DoctorPorts, 'clock'>,
): Promise<Check> {
  try {
    await tunnel.waitForHandshake(clock.now() + PATIENCE, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TunnelError)) throw error;
    const [remedy = ''] = error.next;
    const { reason, why } = error;
    return silent(reason as Silence, { cause: why, remedy }, background);
  }
  const { endpoint, peers } = { endpoint: tunnel.endpoint, peers: (await tunnel.status()).peers };
  const roundTrip = peers[0]?.roundTrip;
  const time = roundTrip === undefined ? '' : ` after ${Math.round(roundTrip)} ms`;
  return ok('handshake', `${endpoint?.address ?? 'The Arc server'} answered a handshake${time}.`);
}

/** Reads the result from the status of a running `up`, which is not disturbed. */
export function checkRunningHandshake(report: StatusReport, background: Background): Check {
  const { pid, health, silence, peers } = report;
  const process = `arctun up (pid ${pid})`;
  if (health === 'up') return ok('handshake', `The tunnel of ${process} is up.`);
  const endpoint = peers[0]?.endpoint ?? 'the Arc server';
  const cause = `${process}: ${silence?.why ?? `${endpoint} has not answered yet`}`;
  const remedy = `Run "arctun health" for the state of that tunnel, and check the network.`;
  return silent(silence?.reason ?? 'no-answer', { cause, remedy }, background);
}

function silent(
  reason: Silence,
  { cause, remedy }: { readonly cause: string; readonly remedy: string },
  { suspect, ...background }: Background,
): Check {
  if (reason === 'no-answer' && suspect !== undefined) {
    return skipped(
      'handshake',
      `the server does not answer, which the problem with "${LABELS[suspect]}" may explain`,
    );
  }
  return failed('handshake', {
    kind: 'tunnel',
    text:
      reason === 'no-data-back'
        ? 'The Arc server does not send any data.'
        : 'No handshake with the Arc server.',
    cause: sentence(cause),
    remedy: reason === 'no-answer' ? remedyForSilence(background) : sentence(remedy),
  });
}

/**
 * The advice if nothing arrives. A WireGuard server does not answer keys that it does not know, so
 * only SORACOM's API can exclude wrong keys.
 */
function remedyForSilence({
  tunnelConfig: { endpoint },
  isSessionConfirmed,
}: Omit<Background, 'suspect'>): string {
  if (isLoopback(endpoint.host)) {
    return 'Check that `arctun emulator` is running, and that it has this SIM (it forgets SIMs without --state).';
  }
  const allow = `allow outgoing UDP packets to port ${endpoint.port} in the firewalls of this machine and its network`;
  return isSessionConfirmed
    ? sentence(allow)
    : `Run "arctun doctor" with SORACOM API credentials to check the keys; if they are right, ${allow}.`;
}
