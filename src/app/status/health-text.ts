import type { TunnelStatus } from '../../tunnel/tunnel-status.js';

/** Returns `up`, or the health and its reason: `stale: 192.0.2.1:11010 has not answered …`. */
export function healthText(status: Pick<TunnelStatus, 'health' | 'silence' | 'rival'>): string {
  return [status.health, ...healthReasons(status)].join(': ');
}

/** Returns the reasons: the server's silence, or a rival tunnel, which slows even a healthy one. */
export function healthReasons({
  silence,
  rival,
}: Pick<TunnelStatus, 'silence' | 'rival'>): readonly string[] {
  if (silence !== undefined) return [silence.why];
  return rival === undefined ? [] : [`another tunnel is using this virtual SIM: ${rival.why}`];
}
