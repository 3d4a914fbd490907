/** One ping, for programs that use the library. */
import { DialError } from '../../proxy/dialer.js';
import type { EchoChannel, EchoDialer } from '../../proxy/echo-dialer.js';

export interface PingOptions {
  /** The number of requests to send until a reply arrives; 1 by default. */
  readonly count?: number;
  /** Milliseconds to wait for the reply to each request; 1,000 by default. */
  readonly timeout?: number;
  /** The number of data bytes in each request; 56 by default. */
  readonly size?: number;
  /** The only address family to use for a name. */
  readonly family?: 4 | 6;
  readonly signal?: AbortSignal;
}

export interface PingReply {
  /** The IP address of the host. */
  readonly from: string;
  /** The round-trip time in milliseconds. */
  readonly rtt: number;
  /** The number of bytes in the reply, including the 8 bytes of the ICMP header. */
  readonly bytes: number;
  /** The TTL or hop limit with which the reply arrived. */
  readonly ttl: number;
  /** The sequence number of the request, from 1. */
  readonly sequence: number;
}

const DEFAULTS = { count: 1, timeout: 1_000, size: 56 };
const ICMP_HEADER = 8;
const MAX_SEQUENCE = 0xffff;

/**
 * Sends echo requests one after another, and resolves with the first reply.
 *
 * @throws DialError `timeout` if no reply arrives, `unreachable` after an ICMP error, or the reason
 * why the channel could not be opened
 * @throws RangeError for an option that is out of range, or a size that does not fit into a packet
 */
export async function ping(
  dialer: EchoDialer,
  host: string,
  options: PingOptions = {},
): Promise<PingReply> {
  const { count, timeout, size, family, signal } = { ...DEFAULTS, ...options };
  requireRange('count', count, 1, MAX_SEQUENCE);
  requireRange('timeout', timeout, 1, Infinity);
  requireRange('size', size, 0, MAX_SEQUENCE);
  const channel = await dialer.open(host, { family, signal });
  try {
    let failure = silentHost(channel);
    for (let sequence = 1; sequence <= count; sequence++) {
      const outcome = await askOnce(channel, { sequence, timeout, size }, signal);
      if (!(outcome instanceof DialError)) return outcome;
      failure = outcome;
    }
    throw failure;
  } finally {
    channel.close();
  }
}

async function askOnce(
  channel: EchoChannel,
  { sequence, timeout, size }: { sequence: number; timeout: number; size: number },
  signal: AbortSignal | undefined,
): Promise<PingReply | DialError> {
  let now = channel.send(sequence, new Uint8Array(size));
  const sentAt = now;
  for (;;) {
    const left = sentAt + timeout - now;
    const event = left > 0 ? await channel.receive(left, signal) : undefined;
    if (event === undefined) return silentHost(channel);
    now = event.at;
    // A late answer to an earlier request would show a wrong round-trip time.
    if (event.sequence !== sequence) continue;
    if (event.kind === 'error') {
      return new DialError('unreachable', `${event.from} reports: ${event.text}`);
    }
    const { ttl, payload } = event;
    const bytes = ICMP_HEADER + payload.length;
    return { from: channel.address, rtt: event.at - sentAt, bytes, ttl, sequence };
  }
}

function silentHost({ address }: EchoChannel): DialError {
  return new DialError('timeout', `${address} does not answer`);
}

/** @throws RangeError */
function requireRange(name: string, value: number, lowest: number, highest: number): void {
  // JavaScript callers may pass any value.
  const isNumber = typeof value === 'number' && (Number.isInteger(value) || name === 'timeout');
  if (isNumber && value >= lowest && value <= highest) return;
  throw new RangeError(`${name} must be a number from ${lowest} to ${highest}, not ${value}`);
}
