/** The constants of BBR (draft-ietf-ccwg-bbr 2.5 to 2.16). Times are in ms. */

/** 4 ln 2: the minimum gain that allows the rate to double each round. */
export const STARTUP_PACING_GAIN = 2.77;
export const DRAIN_PACING_GAIN = 0.5;
export const PROBE_DOWN_PACING_GAIN = 0.9;
export const PROBE_UP_PACING_GAIN = 1.25;

export const DEFAULT_CWND_GAIN = 2;
export const PROBE_UP_CWND_GAIN = 2.25;
export const PROBE_RTT_CWND_GAIN = 0.5;

/** The fraction by which the pacing rate stays below the estimated bandwidth: 1 %. */
export const PACING_MARGIN = 0.01;

/** If more than this fraction of a round trip's octets is lost, too much data is in flight. */
export const LOSS_THRESHOLD = 0.02;

/** The decrease factor after a round trip with loss. */
export const BETA = 0.7;

/** The fraction of the inflight limit that is reserved for other flows. */
export const HEADROOM = 0.15;

/** The minimum window in segments, so that delayed ACKs do not stall the sender. */
export const MINIMUM_PIPE = 4;

/** Startup ends after this many loss bursts in a round trip. */
export const STARTUP_FULL_LOSS_COUNT = 6;

/** The pipe is full after FULL_PIPE_ROUNDS rounds with less growth than FULL_PIPE_GROWTH. */
export const FULL_PIPE_ROUNDS = 3;
export const FULL_PIPE_GROWTH = 1.25;

/** The number of rounds after which Drain ends even if a queue remains. */
export const DRAIN_ROUNDS = 3;

/** The window of the maximum bandwidth filter, in ProbeBW cycles. */
export const BANDWIDTH_FILTER_LENGTH = 2;

/** The window of the ACK aggregation filter, in rounds. */
export const EXTRA_ACKED_FILTER_LENGTH = 10;

export const MINIMUM_RTT_FILTER_LENGTH = 10_000;
export const PROBE_RTT_INTERVAL = 5000;
export const PROBE_RTT_DURATION = 200;

/** The time between bandwidth probes, and the random time added to it: 2 to 3 s in total. */
export const PROBE_WAIT = 2000;
export const PROBE_WAIT_SPREAD = 1000;

/** Bandwidth probes are as frequent as Reno's would be, but at most this many rounds apart. */
export const RENO_ROUNDS = 63;

/** The number of send quanta that may be queued in the sending and receiving hosts. */
export const OFFLOAD_QUANTA = 3;
