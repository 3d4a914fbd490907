import type { TunnelStatus } from '../tunnel/tunnel-status.js';

/** `up`, or what is wrong: `stale: 192.0.2.1:11010 has not answered …`. */
export function healthText({ health, silence }: Pick<TunnelStatus, 'health' | 'silence'>): string {
  return silence === undefined ? health : `${health}: ${silence.why}`;
}
