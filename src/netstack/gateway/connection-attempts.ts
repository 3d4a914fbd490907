/** The SYNs to a gateway that are not answered yet. */
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Inbound } from '../ip/inbound.js';
import { type ConnectionHandler, TcpListener } from '../tcp/open/listener.js';
import type { Tcb } from '../tcp/tcb.js';
import type { ConnectionAttempt, GatewayHandlers, Unreachable } from './gateway.js';

/** The maximum number of unanswered SYNs; further ones are dropped, and the client repeats them. */
const MAX_ATTEMPTS = 256;

export interface ConnectionAttemptsOptions {
  readonly onConnect: GatewayHandlers['onConnect'];
  /** Handles a packet again, after the decision about it. */
  readonly replay: (packet: Uint8Array, now: number) => void;
  /** Sends an ICMP error about a packet. */
  readonly unreachable: (packet: Uint8Array, reason: Unreachable, now: number) => void;
}

export type SynDecision = TcpListener | 'pending' | 'refused';

export class ConnectionAttempts {
  readonly #options: ConnectionAttemptsOptions;
  readonly #attempts = new Map<string, Attempt>();

  constructor(options: ConnectionAttemptsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#attempts.size;
  }

  /** The indexes of the local addresses of all attempts. */
  get localIndexes(): readonly number[] {
    return [...this.#attempts.values()].map(({ localIndex }) => localIndex);
  }

  /** Decides about a SYN: pending until the attempt is settled, or the listener that accepts it. */
  decide(packet: Inbound, sourcePort: number, port: number): SynDecision {
    const key = `${packet.sourceKey} ${sourcePort} ${packet.localIndex} ${port}`;
    const known = this.#attempts.get(key);
    if (known !== undefined) {
      if (known.decision === 'pending') known.syn = bytesOf(packet);
      return known.decision;
    }
    if (this.#attempts.size >= MAX_ATTEMPTS) return 'pending';
    const ends = {
      target: { address: packet.destination.slice(), port },
      source: { address: packet.source.slice(), port: sourcePort },
    };
    const end = () => this.#attempts.delete(key);
    const attempt = new Attempt(ends, packet, this.#options, end);
    this.#attempts.set(key, attempt);
    this.#options.onConnect(attempt);
    return 'pending';
  }
}

function bytesOf({ bytes, end }: Inbound): Uint8Array {
  return bytes.slice(0, end);
}

class Attempt implements ConnectionAttempt {
  readonly target: SocketAddress;
  readonly source: SocketAddress;
  /** The index of the target's address, by which a repeated SYN finds this attempt. */
  readonly localIndex: number;
  decision: SynDecision = 'pending';
  /** The packet with the latest SYN: a client may reuse its port. */
  syn: Uint8Array;
  readonly #options: ConnectionAttemptsOptions;
  readonly #onEnd: () => void;

  constructor(
    { target, source }: Pick<ConnectionAttempt, 'target' | 'source'>,
    packet: Inbound,
    options: ConnectionAttemptsOptions,
    onEnd: () => void,
  ) {
    this.target = target;
    this.source = source;
    this.localIndex = packet.localIndex;
    this.syn = bytesOf(packet);
    this.#options = options;
    this.#onEnd = onEnd;
  }

  accept(onConnection: ConnectionHandler, onAbandoned: () => void, now: number): void {
    const listener = new OneConnection(this.target, onConnection, onAbandoned);
    this.#settle(listener, now);
    // The connection limit of the stack is reached.
    if (!listener.hasBegun) onAbandoned();
  }

  refuse(now: number): void {
    this.#settle('refused', now);
  }

  unreachable(reason: Unreachable, now: number): void {
    this.#onEnd();
    this.#options.unreachable(this.syn, reason, now);
  }

  ignore(): void {
    this.#onEnd();
  }

  #settle(decision: SynDecision, now: number): void {
    this.decision = decision;
    this.#options.replay(this.syn, now);
    this.#onEnd();
  }
}

/** Accepts the connection of one attempt. */
class OneConnection extends TcpListener {
  hasBegun = false;
  readonly #onAbandoned: () => void;

  constructor(local: SocketAddress, onConnection: ConnectionHandler, onAbandoned: () => void) {
    super(local, 1, onConnection, () => undefined);
    this.#onAbandoned = onAbandoned;
  }

  override enterBacklog(tcb: Tcb): void {
    this.hasBegun = true;
    super.enterBacklog(tcb);
  }

  override leaveBacklog(tcb: Tcb): void {
    super.leaveBacklog(tcb);
    if (tcb.state === 'CLOSED' && !tcb.establishedDue) this.#onAbandoned();
  }
}
