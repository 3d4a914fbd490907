/** A forward that is open. */
import type { ForwardCounters, ForwardStatus, NamedForward } from './forward-counters.js';
import { listenText, placeText, type PortForward } from './port-forward.js';

export interface OpenForward {
  /** The forward with its actual port. */
  readonly forward: PortForward;
  readonly counters: ForwardCounters;
  /** Stops accepting connections, and ends UDP associations. TCP connections stay open. */
  stop(): void;
  /**
   * Resolves when all connections are closed.
   *
   * @param graceMs milliseconds after which open connections are reset; Infinity for no limit
   */
  drain(graceMs: number): Promise<void>;
}

export function forwardStatus(open: OpenForward): ForwardStatus {
  return { ...namedForward(open), ...open.counters.totals() };
}

export function namedForward({ forward }: Pick<OpenForward, 'forward'>): NamedForward {
  const { kind, protocol, target } = forward;
  return { kind, protocol, listen: listenText(forward), target: placeText(target) };
}
