/**
 * Checks whether packets of the tunnel's MTU reach the other end. The probes are DNS queries that
 * EDNS padding makes longer, because every session has name servers, and queries are free of side
 * effects. Responses stay short, so that only the outgoing direction is measured.
 */
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DNS_PORT } from '../../tunnel/names/name-resolver.js';
import { encodePaddedQuestion, isResponseTo } from '../../tunnel/names/padded-question.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import { MINIMUM_MTU } from '../../arc-config/tunnel-faults.js';
import { type Check, failed, ok, skipped } from './check.js';
import { randomId } from './inside-checks.js';

/** How long to wait for each response, in milliseconds. */
const TIMEOUT = 1_000;

/** A probe may be lost by chance, so that only several losses in a row count. */
const ATTEMPTS = 2;

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

interface PathMtuPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export async function checkPathMtu(
  { server, config, signal }: PathMtuOptions,
  datagramDialer: DatagramDialer,
  ports: PathMtuPorts,
): Promise<Check> {
  const { mtu, configName } = config;
  const isIpv6 = server.includes(':');
  const smallest = MINIMUM_MTU[isIpv6 ? 6 : 4];
  const passes = async (size: number) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
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
    channel.send(encodePaddedQuestion({ id, name: 'uni.soracom.io', type: 'A' }, length));
    const deadline = clock.now() + TIMEOUT;
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
