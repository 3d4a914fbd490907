/** Checks what the tunnel leads to: the name servers and the Unified Endpoint. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DialError, type Dialer } from '../../proxy/dialer.js';
import { exchangeUdp } from '../../proxy/udp-exchange.js';
import { UNIFIED_ENDPOINT } from '../../proxy/forward/target.js';
import { encodeQuestion, readAnswer } from '../../tunnel/names/name-question.js';
import { DNS_PORT } from '../../tunnel/names/name-resolver.js';
import type { Entropy } from '../../ports/entropy.js';
import { budgetText } from '../../tunnel/traffic/budget-gate.js';
import { isoTime } from '../iso-time.js';
import { exhaustedBudget } from '../status/status-texts.js';
import type { StatusReport } from '../status/status-report.js';
import { type Check, failed, ok, sentence, skipped } from './check.js';

/** A name that SORACOM's name servers have. A server that does not have it also answers. */
const NAME = 'uni.soracom.io';

/** The timeouts of both attempts, in milliseconds. */
const ATTEMPTS = [1_500, 2_000];

/** How long to wait for a connection, in milliseconds: enough for two retransmissions of a SYN. */
const CONNECT_TIMEOUT = 4_000;

const TARGET = { host: UNIFIED_ENDPOINT, port: 80 };

export interface InsideTunnel {
  readonly dialer: Dialer;
  readonly datagramDialer: DatagramDialer;
}

/** Asks each name server over UDP. */
export async function checkNameServers(
  servers: readonly string[],
  { datagramDialer }: Pick<InsideTunnel, 'datagramDialer'>,
  entropy: Entropy,
  signal: AbortSignal,
): Promise<{ readonly check: Check; readonly answering: readonly string[] }> {
  const faults = await Promise.all(
    servers.map((server) => nameServerFault(server, datagramDialer, entropy, signal)),
  );
  const answering = servers.filter((_, index) => faults[index] === undefined);
  const silent = servers.filter((server) => !answering.includes(server));
  const note = silent.length === 0 ? '' : `; ${silent.join(', ')} did not answer`;
  if (answering.length > 0) {
    const verb = answering.length === 1 ? 'answers' : 'answer';
    return { answering, check: ok('name-servers', `${answering.join(' and ')} ${verb}${note}.`) };
  }
  const check = failed('name-servers', {
    kind: 'tunnel',
    text: 'No name server inside the tunnel answers.',
    cause: `${servers.join(' and ')}: ${faults[0] ?? 'no name server is set'}.`,
    remedy:
      'Set --dns (ARCTUN_DNS) to name servers that the tunnel reaches, and check that arcAllowedIPs contains them.',
  });
  return { answering, check };
}

async function nameServerFault(
  host: string,
  dialer: DatagramDialer,
  entropy: Entropy,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const timeout of ATTEMPTS) {
    const question = { id: randomId(entropy), name: NAME, type: 'A' as const };
    const limits = { timeout, signal };
    try {
      const target = { host, port: DNS_PORT };
      const bytes = await exchangeUdp(dialer, target, encodeQuestion(question), limits);
      const answer = bytes && readAnswer(bytes, question);
      if (answer?.kind === 'failed') return `answers with ${answer.rcode}`;
      if (answer !== undefined) return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return messageOf(error);
    }
  }
  return 'no answer';
}

/** Returns an unpredictable ID (RFC 5452 9.2). */
export function randomId(entropy: Entropy): number {
  const bytes = new Uint8Array(2);
  entropy.fill(bytes);
  return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}

/** Returns the failure if the budget of a running `up` is used up, so that it refuses connections. */
export function checkBudget(report: Pick<StatusReport, 'traffic'>): Check | undefined {
  const exhausted = exhaustedBudget(report);
  if (exhausted === undefined) return undefined;
  const resets = `new connections are refused until ${isoTime(exhausted.endsUnix)}`;
  return failed('unified-endpoint', {
    kind: 'tunnel',
    text: 'The traffic budget is used up.',
    cause: `${sentence(budgetText(exhausted)).slice(0, -1)} is used up, and ${resets}.`,
    remedy: 'Wait until then, or restart "arctun up" with a larger --budget.',
  });
}

/** Opens a TCP connection to the Unified Endpoint, and closes it without sending a message. */
export async function checkUnifiedEndpoint(
  { dialer }: Pick<InsideTunnel, 'dialer'>,
  signal: AbortSignal,
): Promise<Check> {
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT);
  try {
    const stream = await dialer.dial(TARGET, AbortSignal.any([signal, timeout]));
    stream.on('error', () => undefined);
    stream.destroy();
    return reached();
  } catch (error) {
    signal.throwIfAborted();
    // The running `up` is another version of arctun, or has just stopped.
    if (error instanceof DialError && error.reason === 'not-ready') {
      return skipped('unified-endpoint', messageOf(error));
    }
    const why = timeout.aborted ? `no answer within ${CONNECT_TIMEOUT / 1000} s` : messageOf(error);
    return unreached(why, error instanceof DialError ? error.reason : undefined);
  }
}

function reached(): Check {
  return ok('unified-endpoint', `${TARGET.host} accepts connections on port ${TARGET.port}.`);
}

function unreached(why: string, reason: string | undefined): Check {
  return failed('unified-endpoint', {
    kind: 'tunnel',
    text: 'The Unified Endpoint cannot be reached.',
    cause: `${TARGET.host}:${TARGET.port}: ${why}.`,
    remedy:
      reason === 'no-route'
        ? `Add ${TARGET.host}/32 to additionalAllowedIPs in arc.json.`
        : 'Check that the SIM has this session with "arctun sim show", and try again later.',
  });
}
