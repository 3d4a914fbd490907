/** Checks what the tunnel leads to: name servers, the Unified Endpoint, and packets of any size. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { type Dialer, DialError } from '../../proxy/dialer.js';
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
import type { DoctorPorts } from './doctor-ports.js';
import { encodePaddedQuestion, isResponseTo } from '../../tunnel/names/padded-question.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { MINIMUM_MTU } from '../../arc-config/tunnel-faults.js';

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
function randomId(entropy: Entropy): number {
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
    return ok('unified-endpoint', `${TARGET.host} accepts connections on port ${TARGET.port}.`);
  } catch (error) {
    signal.throwIfAborted();
    // The running `up` is another version of arctun, or has just stopped.
    if (error instanceof DialError && error.reason === 'not-ready') {
      return skipped('unified-endpoint', messageOf(error));
    }
    const why = timeout.aborted ? `no answer within ${CONNECT_TIMEOUT / 1000} s` : messageOf(error);
    const isOutside = error instanceof DialError && error.reason === 'no-route';
    return failed('unified-endpoint', {
      kind: 'tunnel',
      text: 'The Unified Endpoint cannot be reached.',
      cause: `${TARGET.host}:${TARGET.port}: ${why}.`,
      remedy: isOutside
        ? `Add ${TARGET.host}/32 to additionalAllowedIPs in arc.json.`
        : 'Check that the SIM has this session with "arctun sim show", and try again later.',
    });
  }
}

/** How long to wait for the response to each probe, in milliseconds. */
const PROBE_TIMEOUT = 1_000;

/** A probe may be lost by chance, so that only several losses in a row count. */
const PROBE_ATTEMPTS = 2;

/** The number of sizes to try at once. */
const AT_ONCE = 6;

/** WireGuard pads packets to a multiple of this many bytes (whitepaper 5.4.6). */
const STEP = 16;

export interface PathMtuOptions {
  /** A name server that answers. */
  readonly server: string;
  readonly config: Pick<TunnelConfig, 'mtu' | 'configName'>;
  readonly signal: AbortSignal;
}

type PathMtuPorts = Pick<DoctorPorts, 'clock' | 'entropy'>;

/**
 * Checks whether packets of the tunnel's MTU reach the other end. The probes are DNS queries that
 * EDNS padding makes longer, because every session has name servers, and queries are free of side
 * effects. Responses stay short, so that only the outgoing direction is measured.
 */
export async function checkPathMtu(
  { server, config, signal }: PathMtuOptions,
  datagramDialer: DatagramDialer,
  ports: PathMtuPorts,
): Promise<Check> {
  const { mtu, configName } = config;
  const isIpv6 = server.includes(':');
  const smallest = MINIMUM_MTU[isIpv6 ? 6 : 4];
  const passes = async (size: number) => {
    for (let attempt = 0; attempt < PROBE_ATTEMPTS; attempt++) {
      if (await probe(server, size - (isIpv6 ? 48 : 28), datagramDialer, ports, signal))
        return true;
    }
    return false;
  };
  const [isWhole, isSmall] = await Promise.all([passes(mtu), passes(smallest)]);
  if (isWhole) return ok('path-mtu', `Outgoing packets of the full MTU, ${mtu} bytes, arrive.`);
  if (!isSmall) return skipped('path-mtu', `${server} does not answer longer queries`);
  const largest = await largestPassing(smallest, mtu, passes);
  return failed('path-mtu', {
    kind: 'tunnel',
    text: `Packets in the tunnel of more than ${largest} bytes do not arrive.`,
    cause: `The MTU of the tunnel is ${mtu}, but the path to the Arc server loses packets of that size.`,
    remedy: `Set "mtu": ${largest} in ${configName.source}.`,
  });
}

/** Searches the sizes between one that passes and one that does not, several at once. */
async function largestPassing(
  passing: number,
  failing: number,
  passes: (size: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [passing, failing];
  for (;;) {
    const sizes = sizesBetween(low, high);
    if (sizes.length === 0) return low;
    const results = await Promise.all(sizes.map(passes));
    low = Math.max(low, ...sizes.filter((_, index) => results[index]));
    high = Math.min(high, ...sizes.filter((size, index) => !results[index] && size > low));
  }
}

/** Returns at most AT_ONCE multiples of STEP, spread evenly. */
function sizesBetween(low: number, high: number): number[] {
  const all: number[] = [];
  for (let size = (Math.floor(low / STEP) + 1) * STEP; size < high; size += STEP) all.push(size);
  const stride = Math.ceil(all.length / AT_ONCE);
  return all.filter((_, index) => index % stride === stride - 1);
}

/** @param length the payload of the datagram */
async function probe(
  host: string,
  length: number,
  dialer: DatagramDialer,
  { clock, entropy }: PathMtuPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const id = randomId(entropy);
  const channel = await dialer.open({ host, port: DNS_PORT }, signal);
  try {
    channel.send(encodePaddedQuestion({ id, name: NAME, type: 'A' }, length));
    const deadline = clock.now() + PROBE_TIMEOUT;
    for (;;) {
      const left = deadline - clock.now();
      const bytes = left > 0 ? await channel.receive(left, signal) : undefined;
      if (bytes === undefined) return false;
      if (isResponseTo(bytes, id)) return true;
    }
  } finally {
    channel.close();
  }
}
