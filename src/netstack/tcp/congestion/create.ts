/** Creates the congestion control of a connection. */
import { Bbr, type BbrOptions } from './bbr/bbr.js';
import type { CongestionAlgorithm, CongestionControl } from './congestion-control.js';
import { Cubic } from './cubic.js';
import { Reno } from './reno.js';
import { WindowControl } from './window-control.js';

export function createCongestionControl(
  algorithm: CongestionAlgorithm,
  options: BbrOptions,
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
