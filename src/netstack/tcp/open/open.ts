/** OPEN (RFC 9293 3.10.1): creates a TCB for an active open or for a SYN sent to a listener. */
import { randomUint32 } from '../../../lib/random-uint32.js';
import type { Entropy } from '../../../ports/entropy.js';
import { randomSipHashKey } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import type { StackLimits } from '../../limits.js';
import type { LastingSequences } from '../../stack-options.js';
import { EphemeralPorts } from '../tables/ephemeral-ports.js';
import { InitialSequence } from './initial-sequence.js';
import { Tcb, type TcbOptions, type TcpHost } from '../tcb.js';

/** Thrown if no connection can be opened: the limit is reached or no port is free. */
export class StackExhaustedError extends Error {
  override readonly name = 'StackExhaustedError';
}

/** The parts of the TCP layer that OPEN uses. */
export interface OpenHost extends TcpHost {
  /** Whether the connection limit is reached. */
  readonly isFull: boolean;
  /** Finds the connection between these two endpoints. */
  find(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined;
}

export class Open {
  readonly #host: OpenHost;
  readonly #limits: StackLimits;
  readonly #initialSequence: InitialSequence;
  readonly #ports: EphemeralPorts;

  constructor(
    host: OpenHost,
    limits: StackLimits,
    entropy: Entropy,
    sequences: LastingSequences | undefined,
  ) {
    this.#host = host;
    this.#limits = limits;
    const { key, epoch } = { key: randomSipHashKey(entropy), epoch: 0, ...sequences };
    this.#initialSequence = new InitialSequence(key, epoch);
    this.#ports = new EphemeralPorts(randomSipHashKey(entropy), randomUint32(entropy));
  }

  /**
   * Creates a connection from `local` (port 0: any free port). The caller must register it.
   *
   * @throws StackExhaustedError
   */
  active(local: SocketAddress, remote: SocketAddress, localIndex: number, now: number): Tcb {
    if (this.#host.isFull) {
      throw new StackExhaustedError('too many connections are open');
    }
    const port = local.port || this.#selectPort(local, remote, localIndex);
    const isFree = port !== undefined && this.#isFree(localIndex, port, remote);
    if (!isFree) throw new StackExhaustedError('no port is free for this remote address');
    const from = { address: local.address, port };
    const iss = this.#initialSequence.next(from, remote, now);
    return this.#create('SYN-SENT', { local: from, remote, localIndex, iss }, now);
  }

  /** TSval for a segment without a connection. */
  timestamp(local: SocketAddress, remote: SocketAddress, now: number): number {
    return (Math.floor(now) + this.#initialSequence.timestampOffset(local, remote)) | 0;
  }

  #selectPort(local: SocketAddress, remote: SocketAddress, localIndex: number): number | undefined {
    return this.#ports.select(local.address, remote, (port) =>
      this.#isFree(localIndex, port, remote),
    );
  }

  #isFree(localIndex: number, port: number, remote: SocketAddress): boolean {
    return this.#host.find(localIndex, port, remote) === undefined;
  }

  /** @param iss the initial sequence number, if already sent; if unset, a new one is created */
  passive(
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    now: number,
    iss?: number,
  ): Tcb {
    const fresh = iss ?? this.#initialSequence.next(local, remote, now);
    return this.#create('SYN-RECEIVED', { local, remote, localIndex, iss: fresh }, now);
  }

  #create(
    state: 'SYN-SENT' | 'SYN-RECEIVED',
    ends: Pick<TcbOptions, 'local' | 'remote' | 'localIndex' | 'iss'>,
    now: number,
  ): Tcb {
    const { sendBuffer, receiveBuffer, userTimeout } = this.#limits;
    const timestampOffset = this.#initialSequence.timestampOffset(ends.local, ends.remote);
    return new Tcb(this.#host, state, {
      ...ends,
      timestampOffset,
      now,
      sendBuffer,
      receiveBuffer,
      userTimeout,
    });
  }
}
