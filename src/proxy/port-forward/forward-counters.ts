/** The counters of a port forward. */
import { type ForwardProtocol, listenText, placeText, type PortForward } from './port-forward.js';

export interface ForwardTotals {
  /** TCP connections, or UDP associations, since the forward was opened. */
  readonly connections: number;
  /** The number of open connections or associations. */
  readonly active: number;
  /** Connections and associations that were refused, or that failed to reach the target. */
  readonly failures: number;
  /** Datagrams that were dropped, in both directions. */
  readonly dropped: number;
  /** Payload bytes that were sent into the tunnel. */
  readonly sentBytes: number;
  /** Payload bytes that were received from the tunnel. */
  readonly receivedBytes: number;
}

/** An open forward as text. */
export interface NamedForward {
  readonly kind: PortForward['kind'];
  readonly protocol: ForwardProtocol;
  /** The listening address or path; for a remote forward, the port inside the tunnel. */
  readonly listen: string;
  /** The target as `host:port`, or its path. */
  readonly target: string;
}

/** An open forward as plain data. */
export interface ForwardStatus extends NamedForward, ForwardTotals {}

/** The counters of one forward. `up` counts from the listening side to the target. */
export class ForwardCounters {
  connections = 0;
  active = 0;
  failures = 0;
  dropped = 0;
  toTarget = 0;
  fromTarget = 0;
  readonly #kind: PortForward['kind'];

  constructor(kind: PortForward['kind']) {
    this.#kind = kind;
  }

  totals(): ForwardTotals {
    const { connections, active, failures, dropped, toTarget, fromTarget } = this;
    const isLocal = this.#kind === 'local';
    const sentBytes = isLocal ? toTarget : fromTarget;
    const receivedBytes = isLocal ? fromTarget : toTarget;
    return { connections, active, failures, dropped, sentBytes, receivedBytes };
  }
}

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
