/** The pings of the programs behind a gateway. A request is answered only if its target answers. */
import type { ForeignEcho } from '../../engine/gateway-engine.js';
import { markUsed, oldestIdle } from '../../lib/oldest-idle.js';
import type { EchoChannel, EchoDialer } from '../../proxy/echo-dialer.js';
import { addressKey, formatIpAddress } from '../../wire/ip-address.js';
import { refusalOf } from './refusal.js';

/** The maximum number of flows; at the limit, the least recently used one ends. */
const MAX_FLOWS = 128;

/** The maximum number of unanswered requests of a flow; the oldest is forgotten. */
const MAX_REQUESTS = 64;

/** A flow ends after this many milliseconds without a reply (RFC 5508 3.2, REQ-2: at least 60 s). */
const IDLE_TIMEOUT = 60_000;

export interface EchoFlowsHost {
  now(): number;
  schedule(): void;
}

export class EchoFlows {
  readonly #dialer: EchoDialer;
  readonly #host: EchoFlowsHost;
  /** In order of last use. */
  readonly #flows = new Map<string, Flow>();

  constructor(dialer: EchoDialer, host: EchoFlowsHost) {
    this.#dialer = dialer;
    this.#host = host;
  }

  get size(): number {
    return this.#flows.size;
  }

  handle(request: ForeignEcho): void {
    const { source, target, identifier } = request;
    const key = `${addressKey(source)} ${addressKey(target)} ${identifier}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= MAX_FLOWS) {
        const oldest = oldestIdle(this.#flows);
        if (oldest !== undefined) this.#flows.get(oldest)?.close();
      }
      flow = new Flow(this.#host, () => this.#flows.delete(key));
      this.#flows.set(key, flow);
      void flow.run(this.#dialer, formatIpAddress(target));
    }
    markUsed(this.#flows, key);
    flow.handle(request);
  }

  close(): void {
    for (const flow of [...this.#flows.values()]) flow.close();
  }
}

class Flow {
  readonly isBusy = false;
  readonly #host: EchoFlowsHost;
  readonly #onClose: () => void;
  readonly #closing = new AbortController();
  /** The unanswered requests by sequence number, in order of arrival. */
  readonly #requests = new Map<number, ForeignEcho>();
  #channel: EchoChannel | undefined;

  constructor(host: EchoFlowsHost, onClose: () => void) {
    this.#host = host;
    this.#onClose = onClose;
  }

  async run(dialer: EchoDialer, host: string): Promise<void> {
    const { signal } = this.#closing;
    try {
      const channel = await dialer.open(host, { signal });
      this.#channel = channel;
      if (signal.aborted) channel.close();
      for (const request of this.#requests.values()) this.#send(channel, request);
      while (!signal.aborted && (await this.#receive(channel, signal)));
    } catch (error) {
      if (!signal.aborted) this.#refuseAll(error);
    }
    this.close();
  }

  handle(request: ForeignEcho): void {
    this.#requests.delete(request.sequence);
    this.#requests.set(request.sequence, request);
    if (this.#requests.size > MAX_REQUESTS) {
      const [oldest] = this.#requests.keys();
      if (oldest !== undefined) this.#requests.delete(oldest);
    }
    if (this.#channel !== undefined) this.#send(this.#channel, request);
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('the pings have ended'));
    this.#channel?.close();
    this.#onClose();
  }

  /** Like a network, drops requests that are too long or for which no queue has room. */
  #send(channel: EchoChannel, { sequence, payload }: ForeignEcho): void {
    if (payload.length > channel.maxPayload) return;
    try {
      channel.send(sequence, payload);
    } catch {
      // If the channel has failed, receive() reports the error.
    }
  }

  /** Returns false after the idle timeout. */
  async #receive(channel: EchoChannel, signal: AbortSignal): Promise<boolean> {
    const event = await channel.receive(IDLE_TIMEOUT, signal);
    if (event === undefined) return false;
    const request = this.#requests.get(event.sequence);
    if (request === undefined) return true;
    if (event.kind === 'reply') request.reply(event.payload);
    else request.unreachable('host', this.#host.now());
    // A host may answer once more, such as a reply that was duplicated on its way.
    if (event.kind === 'error') this.#requests.delete(event.sequence);
    this.#host.schedule();
    return true;
  }

  #refuseAll(error: unknown): void {
    for (const request of this.#requests.values()) {
      request.unreachable(refusalOf(error), this.#host.now());
    }
    this.#host.schedule();
  }
}
