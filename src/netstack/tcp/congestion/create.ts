/** Creates the congestion control of a connection. */
import { Bbr } from './bbr/bbr.js';
import type { CongestionAlgorithm, CongestionControl } from './congestion-control.js';
import { Cubic } from './cubic.js';
import { Reno } from './reno.js';
import { WindowControl } from './window-control.js';

export interface CongestionOptions {
  /** The initial Eff.snd.MSS in octets; setMss() updates it. */
  readonly mss: number;
  /** Returns a random number in [0, 1) to vary the times of BBR's probes; need not be secure. */
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
