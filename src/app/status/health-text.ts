import type { TunnelStatus } from '../../tunnel/tunnel-status.js';

/** `up`, or what is wrong: `stale: 192.0.2.1:11010 has not answered …`. */
export function healthText(status: Pick<TunnelStatus, 'health' | 'silence' | 'rival'>): string {
  return [status.health, ...healthReasons(status)].join(': ');
}

/** What is wrong: the server's silence, else a rival, which slows down a tunnel that is up. */
export function healthReasons({
  silence,
  rival,
}: Pick<TunnelStatus, 'silence' | 'rival'>): readonly string[] {
  if (silence !== undefined) return [silence.why];
  return rival === undefined ? [] : [`another tunnel uses this virtual SIM: ${rival.why}`];
}
