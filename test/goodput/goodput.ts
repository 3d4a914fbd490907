/**
 * Measures TCP goodput over simulated lines, in virtual time: identical on every machine, to the
 * byte.
 */
import type { CongestionAlgorithm } from '../../src/netstack/tcp/congestion/congestion-control.js';
import { connectPair, NetstackPair, patternBytes } from '../support/pairs/netstack-pair.js';

export const ALGORITHMS = ['bbr', 'cubic'] as const satisfies CongestionAlgorithm[];
export const RATES = [10, 100] as const;
export const ROUND_TRIPS = [20, 50, 100] as const;
/** Shares of packets lost in each direction. */
export const LOSSES = [0, 0.001, 0.01] as const;
/** Whether the client or the server of the connection sends. */
export const DIRECTIONS = ['up', 'down'] as const;

/** Milliseconds of queue at the bottleneck. */
const QUEUE = 50;
/** Virtual milliseconds after which a transfer is abandoned. */
const PATIENCE = 600_000;

export interface Line {
  readonly congestion: CongestionAlgorithm;
  /** Mbit/s of IP packets. */
  readonly rate: (typeof RATES)[number];
  /** Milliseconds. */
  readonly roundTrip: number;
  readonly loss: number;
  readonly direction: (typeof DIRECTIONS)[number];
}

export interface Goodput {
  /** Mbit/s of user data, from the first byte sent to the last byte received. */
  readonly rate: number;
  /** Share of the bytes that were retransmitted. */
  readonly repeated: number;
}

/** The data to send; the slow start counts, as it does for a message. */
const BYTES = { 10: patternBytes(2_500_000), 100: patternBytes(8_000_000) };

/** Sends data over a line, and measures. */
export function measure({ congestion, rate, roundTrip, loss, direction }: Line): Goodput {
  const bytesPerMs = (rate * 1e6) / 8 / 1000;
  const pair = new NetstackPair({
    congestion,
    rate: bytesPerMs,
    delay: roundTrip / 2,
    queueDelay: QUEUE,
    loss,
    seed: 1,
  });
  const { client, server } = connectPair(pair);
  const [from, to] = direction === 'up' ? [client, server] : [server, client];
  const bytes = BYTES[rate];
  const began = pair.now;
  from.send(bytes);
  pair.run(PATIENCE, () => to.receivedLength === bytes.length);
  const { retransmits, mss } = from.connection.info();
  return {
    rate: (to.receivedLength * 8) / 1000 / (pair.now - began),
    repeated: (retransmits * mss) / bytes.length,
  };
}
