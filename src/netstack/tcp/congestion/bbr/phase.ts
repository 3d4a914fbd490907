/** The states of BBR and their gains for rate and window (draft-ietf-ccwg-bbr 5.6.1). */
import {
  DEFAULT_CWND_GAIN,
  DRAIN_PACING_GAIN,
  PROBE_DOWN_PACING_GAIN,
  PROBE_RTT_CWND_GAIN,
  PROBE_UP_CWND_GAIN,
  PROBE_UP_PACING_GAIN,
  STARTUP_PACING_GAIN,
} from './parameters.js';

export type Phase =
  | 'Startup'
  | 'Drain'
  | 'ProbeBW_DOWN'
  | 'ProbeBW_CRUISE'
  | 'ProbeBW_REFILL'
  | 'ProbeBW_UP'
  | 'ProbeRTT';

/** BBR.pacing_gain for each phase. */
export const PACING_GAINS: Readonly<Record<Phase, number>> = {
  Startup: STARTUP_PACING_GAIN,
  Drain: DRAIN_PACING_GAIN,
  ProbeBW_DOWN: PROBE_DOWN_PACING_GAIN,
  ProbeBW_CRUISE: 1,
  ProbeBW_REFILL: 1,
  ProbeBW_UP: PROBE_UP_PACING_GAIN,
  ProbeRTT: 1,
};

/** BBR.cwnd_gain for each phase. */
export const CWND_GAINS: Readonly<Record<Phase, number>> = {
  Startup: DEFAULT_CWND_GAIN,
  Drain: DEFAULT_CWND_GAIN,
  ProbeBW_DOWN: DEFAULT_CWND_GAIN,
  ProbeBW_CRUISE: DEFAULT_CWND_GAIN,
  ProbeBW_REFILL: DEFAULT_CWND_GAIN,
  ProbeBW_UP: PROBE_UP_CWND_GAIN,
  ProbeRTT: PROBE_RTT_CWND_GAIN,
};

/** IsInAProbeBWState(): whether the phase is part of ProbeBW. */
export function isProbeBandwidth(phase: Phase): boolean {
  return (
    phase === 'ProbeBW_DOWN' ||
    phase === 'ProbeBW_CRUISE' ||
    phase === 'ProbeBW_REFILL' ||
    phase === 'ProbeBW_UP'
  );
}

/** IsProbingBW(): whether BBR deliberately sends more than the known capacity. */
export function isAccelerating(phase: Phase): boolean {
  return phase === 'Startup' || phase === 'ProbeBW_REFILL' || phase === 'ProbeBW_UP';
}
