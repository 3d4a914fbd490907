/** The constants of BBR: draft-ietf-ccwg-bbr 2.5 to 2.16. Times are ms. */

/** 4 ln 2: the least gain that lets the rate double each round. */
export const STARTUP_PACING_GAIN = 2.77;
export const DRAIN_PACING_GAIN = 0.5;
export const PROBE_DOWN_PACING_GAIN = 0.9;
export const PROBE_UP_PACING_GAIN = 1.25;

export const DEFAULT_CWND_GAIN = 2;
export const PROBE_UP_CWND_GAIN = 2.25;
export const PROBE_RTT_CWND_GAIN = 0.5;

/** By how much pacing stays below what the path carries: 1 %. */
export const PACING_MARGIN = 0.01;

/** The share of lost bytes in a round trip that is still no sign of too much in flight. */
export const LOSS_THRESHOLD = 0.02;

/** The decrease for a round trip with loss. */
export const BETA = 0.7;

/** The share of what fits in flight that is left to others. */
export const HEADROOM = 0.15;

/** Segments in flight that keep delayed ACKs coming. */
export const MINIMUM_PIPE = 4;

/** Bursts of loss in a round trip that end Startup. */
export const STARTUP_FULL_LOSS_COUNT = 6;

/** Rounds without much growth after which the pipe counts as full, and what much is. */
export const FULL_PIPE_ROUNDS = 3;
export const FULL_PIPE_GROWTH = 1.25;

/** Rounds after which Drain ends though there is still a queue. */
export const DRAIN_ROUNDS = 3;

/** Cycles of ProbeBW over which the bandwidth is the largest one measured. */
export const BANDWIDTH_FILTER_LENGTH = 2;

/** Rounds over which the aggregation of ACKs is the largest one measured. */
export const EXTRA_ACKED_FILTER_LENGTH = 10;

export const MINIMUM_RTT_FILTER_LENGTH = 10_000;
export const PROBE_RTT_INTERVAL = 5000;
export const PROBE_RTT_DURATION = 200;

/** A probe for bandwidth comes 2 to 3 s after the last one, */
export const PROBE_WAIT = 2000;
export const PROBE_WAIT_SPREAD = 1000;

/** or after as many rounds as Reno would take, if they are fewer; at most so many. */
export const RENO_ROUNDS = 63;

/** Quanta that are on their way through a sending and a receiving host. */
export const OFFLOAD_QUANTA = 3;
