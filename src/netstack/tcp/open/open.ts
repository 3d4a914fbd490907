/**
 * OPEN: RFC 9293 3.10.1. Makes the TCB of an active open, from a port that is free, and that of a
 * passive one, which passive-open.ts asks for when a SYN has come.
 */
import { randomUint32 } from '../../../lib/random-uint32.js';
import type { Entropy } from '../../../ports/entropy.js';
import { randomSipHashKey } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import type { StackLimits } from '../../limits.js';
import { EphemeralPorts } from '../tables/ephemeral-ports.js';
import { InitialSequence } from './initial-sequence.js';
import { Tcb, type TcbOptions, type TcpHost } from '../tcb.js';

/** No connection can be had: all ports to that remote, or all connections, are in use. */
export class StackExhaustedError extends Error {
  override readonly name = 'StackExhaustedError';
}

/** What OPEN needs of the TCP layer. */
export interface OpenHost extends TcpHost {
  /** All connections that there may be are there. */
  readonly isFull: boolean;
  /** The connection between these two ends. */
  find(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined;
}

export class Open {
  readonly #host: OpenHost;
  readonly #limits: StackLimits;
  readonly #initialSequence: InitialSequence;
  readonly #ports: EphemeralPorts;

  constructor(host: OpenHost, limits: StackLimits, entropy: Entropy) {
    this.#host = host;
    this.#limits = limits;
    this.#initialSequence = new InitialSequence(randomSipHashKey(entropy));
    this.#ports = new EphemeralPorts(randomSipHashKey(entropy), randomUint32(entropy));
  }

  /**
   * A connection from `local` (port 0 for any) to `remote`, which nobody knows yet.
   * @throws StackExhaustedError
   */
  active(local: SocketAddress, remote: SocketAddress, localIndex: number, now: number): Tcb {
    if (this.#host.isFull) {
      throw new StackExhaustedError('too many connections at once');
    }
    const port = local.port || this.#selectPort(local, remote, localIndex);
    const isFree = port !== undefined && this.#isFree(localIndex, port, remote);
    if (!isFree) throw new StackExhaustedError('no free port towards this remote address');
    const from = { address: local.address, port };
    const iss = this.#initialSequence.next(from, remote, now);
    return this.#create('SYN-SENT', { local: from, remote, localIndex, iss }, now);
  }

  #selectPort(local: SocketAddress, remote: SocketAddress, localIndex: number): number | undefined {
    return this.#ports.select(local.address, remote, (port) =>
      this.#isFree(localIndex, port, remote),
    );
  }

  #isFree(localIndex: number, port: number, remote: SocketAddress): boolean {
    return this.#host.find(localIndex, port, remote) === undefined;
  }

  /** @param iss a sequence number that was given out already; a fresh one by default */
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
