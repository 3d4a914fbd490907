/** The UDP flows of the programs behind a gateway: one channel for each pair of endpoints. */
import type { DatagramFlow, UdpSocket } from '../../engine/gateway-engine.js';
import { markUsed, oldestIdle } from '../../lib/oldest-idle.js';
import type { DatagramChannel, DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DialError } from '../../proxy/dialer.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { refusalOf } from './refusal.js';

/** The maximum number of flows; at the limit, the least recently used one ends. */
const MAX_FLOWS = 512;

/**
 * A flow ends after this many milliseconds without a datagram in either direction (RFC 4787 4.3,
 * REQ-5: at least two minutes).
 */
const IDLE_TIMEOUT = 120_000;

/** The maximum number of datagrams that wait for the channel to open; further ones are dropped. */
const MAX_WAITING = 16;

/** The parts of the stack and the driver that the flows use. */
export interface UdpFlowsHost {
  readonly stack: {
    connectUdp(
      remote: DatagramFlow['source'],
      onDatagram: (payload: Uint8Array) => void,
      onError: () => void,
      options: {
        readonly localAddress: Uint8Array;
        readonly localPort: number;
        readonly idleTimeout: number;
        readonly onIdle: () => void;
      },
    ): UdpSocket;
  };
  now(): number;
  schedule(): void;
}

export class UdpFlows {
  readonly #dialer: DatagramDialer;
  readonly #host: UdpFlowsHost;
  /** In order of last use. */
  readonly #flows = new Map<Flow, Flow>();

  constructor(dialer: DatagramDialer, host: UdpFlowsHost) {
    this.#dialer = dialer;
    this.#host = host;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** Whether datagrams wait for a channel to open. */
  get isBusy(): boolean {
    return [...this.#flows.keys()].some((flow) => flow.isWaiting);
  }

  /** Opens a flow, whose socket gets the datagram. */
  begin(first: DatagramFlow): void {
    if (this.#flows.size >= MAX_FLOWS) oldestIdle(this.#flows)?.close();
    const flow: Flow = new Flow(first, this.#host, {
      onUse: () => markUsed(this.#flows, flow),
      onClose: () => this.#flows.delete(flow),
    });
    this.#flows.set(flow, flow);
    void flow.run(this.#dialer);
  }

  close(): void {
    for (const flow of [...this.#flows.keys()]) flow.close();
  }
}

interface FlowEvents {
  readonly onUse: () => void;
  readonly onClose: () => void;
}

class Flow {
  /** UDP does not show whether an answer is pending. */
  readonly isBusy = false;
  readonly #first: DatagramFlow;
  readonly #host: UdpFlowsHost;
  readonly #events: FlowEvents;
  readonly #socket: UdpSocket;
  readonly #closing = new AbortController();
  #waiting: Uint8Array[] = [];
  #channel: DatagramChannel | undefined;

  constructor(first: DatagramFlow, host: UdpFlowsHost, events: FlowEvents) {
    this.#first = first;
    this.#host = host;
    this.#events = events;
    const end = () => this.close();
    this.#socket = host.stack.connectUdp(first.source, (payload) => this.#send(payload), end, {
      localAddress: first.target.address,
      localPort: first.target.port,
      idleTimeout: IDLE_TIMEOUT,
      onIdle: end,
    });
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Opens the channel, and passes on replies until the flow ends. */
  async run(dialer: DatagramDialer): Promise<void> {
    const { signal } = this.#closing;
    const { address, port } = this.#first.target;
    try {
      this.#channel = await dialer.open({ host: formatIpAddress(address), port }, signal);
      if (signal.aborted) this.#channel.close();
      for (const payload of this.#waiting) this.#send(payload);
      this.#waiting = [];
      while (!signal.aborted) await this.#receive(this.#channel, signal);
    } catch (error) {
      if (!signal.aborted) this.#report(error);
    }
    this.close();
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('the UDP flow has ended'));
    this.#socket.close();
    this.#channel?.close();
    this.#events.onClose();
  }

  async #receive(channel: DatagramChannel, signal: AbortSignal): Promise<void> {
    try {
      const payload = await channel.receive(IDLE_TIMEOUT, signal);
      if (payload === undefined) return;
      this.#socket.send(payload);
      this.#events.onUse();
      this.#host.schedule();
    } catch (error) {
      // The target may open the port later, so the flow stays open.
      if (!(error instanceof DialError && error.reason === 'refused')) throw error;
      this.#report(error);
    }
  }

  #send(payload: Uint8Array): void {
    this.#events.onUse();
    if (this.#channel === undefined) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(payload);
      return;
    }
    if (payload.length > this.#channel.maxPayload) return;
    try {
      this.#channel.send(payload);
    } catch (error) {
      // A full queue drops datagrams, as a network does.
      if (error instanceof DialError && error.reason === 'exhausted') return;
      this.#report(error);
      this.close();
    }
  }

  #report(error: unknown): void {
    this.#first.unreachable(refusalOf(error), this.#host.now());
    this.#host.schedule();
  }
}
