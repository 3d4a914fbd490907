/** Formats port forwards for standard output. */
import type { ForwardStatus, NamedForward } from '../../proxy/port-forward/forward-counters.js';

/** Formats a forward in the notation of its flag: `-L 127.0.0.1:8080 -> 10.0.0.3:80`. */
export function forwardText({ kind, protocol, listen, target }: NamedForward): string {
  const flag = kind === 'local' ? '-L' : '-R';
  return `${flag} ${listen} -> ${target}${protocol === 'udp' ? ' (udp)' : ''}`;
}

/** Formats a forward with its counters. */
export function forwardLine(forward: ForwardStatus): string {
  const { connections, active, failures, dropped, sentBytes, receivedBytes } = forward;
  const losses = forward.protocol === 'udp' ? `, ${dropped} dropped` : '';
  const counts = `${active} open, ${connections} total, ${failures} failed${losses}`;
  return `${forwardText(forward)}: ${counts}; ${receivedBytes} B received, ${sentBytes} B sent`;
}
