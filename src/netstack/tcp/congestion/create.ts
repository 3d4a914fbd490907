/** Makes the congestion control of a connection. */
import { Bbr } from './bbr/bbr.js';
import type { CongestionAlgorithm, CongestionControl } from './congestion-control.js';
import { Cubic } from './cubic.js';
import { Reno } from './reno.js';
import { WindowControl } from './window-control.js';

export interface CongestionOptions {
  /** Eff.snd.MSS as far as it is known; setMss() tells more. */
  readonly mss: number;
  /** Uniform in [0, 1); spreads BBR's probes, and nothing secret hangs on it. */
  readonly random: () => number;
  readonly now: number;
}

export function createCongestionControl(
  algorithm: CongestionAlgorithm,
  options: CongestionOptions,
): CongestionControl {
  switch (algorithm) {
    case 'bbr':
      return new Bbr(options);
    case 'cubic':
      return new WindowControl(new Cubic(), options.mss);
    case 'reno':
      return new WindowControl(new Reno(), options.mss);
  }
}
