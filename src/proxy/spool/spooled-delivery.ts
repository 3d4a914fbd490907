/**
 * Sends one request of a client, and keeps it in the spool if it cannot be sent
 * (docs/decisions/0019-spool.md).
 *
 * Invariant: after a request is saved, its state on disk is settled exactly once, even if the client
 * disconnects or the listener closes.
 */
import { isFutile } from '../dialer.js';
import { Delivery, type DeliveredRequest, type DeliveryHandler } from '../http/delivery.js';
import type { ExchangeContext } from '../http/exchange-context.js';
import type { ForwardFailure } from '../http/failure.js';
import { MAX_HELD } from '../http/forwarded-request.js';
import type { ResponseHead } from '../http/response-head.js';
import { Watchdog } from '../watchdog.js';
import type { PassingRequest, Refusal, SpoolKeeper } from './spool-keeper.js';

export interface SpooledDeliveryHandler extends DeliveryHandler {
  /** The client may send the body (RFC 9110 10.1.1), because arctun keeps the request if necessary. */
  acceptBody(): void;
  /** The request is queued. */
  kept(kept: KeptRequest): void;
}

export interface KeptRequest {
  readonly id: string;
  /** Why it was not sent now; undefined if older messages wait. */
  readonly failure: ForwardFailure | undefined;
}

/** GET and HEAD have no effect without their response; other methods are not meant for data. */
const KEPT_METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

const TOO_LONG = `the body is longer than ${MAX_HELD} bytes`;

const FUTILE = 'the target cannot be reached through the tunnel, and waiting does not help';

const BUSY: ForwardFailure = {
  reason: 'too-many-requests',
  message: 'too many requests are being sent, also for clients that have disconnected',
  notKept: 'too many requests are being sent',
};

const STOPPING: ForwardFailure = { reason: 'closed', message: 'arctun is stopping' };

/**
 * - `collecting`: the body is arriving; nothing is saved
 * - `saving`: the request is being saved
 * - `sending`: the request is saved, and the target has not responded
 * - `settling`: the outcome is being saved
 * - `plain`: the rest does not depend on the spool
 */
type Phase = 'collecting' | 'saving' | 'sending' | 'settling' | 'plain';

export class SpooledDelivery implements DeliveryHandler {
  readonly #request: DeliveredRequest;
  readonly #context: ExchangeContext;
  readonly #keeper: SpoolKeeper;
  readonly #delivery: Delivery;
  readonly #onStop = (): void => void this.settles(STOPPING);
  /** The client; undefined after it has disconnected. */
  #client: SpooledDeliveryHandler | undefined;
  #phase: Phase = 'collecting';
  /** The saved request, in the phases `sending` and `settling`. */
  #saved: PassingRequest | undefined;
  /** A failure in the phase `saving`. */
  #earlyFailure: ForwardFailure | undefined;
  /** Why the request is not kept. */
  #notKept: string | undefined;
  /** The time limit after the client has disconnected. */
  #watchdog: Watchdog | undefined;

  constructor(
    request: DeliveredRequest,
    context: ExchangeContext,
    keeper: SpoolKeeper,
    client: SpooledDeliveryHandler,
  ) {
    this.#request = request;
    this.#context = context;
    this.#keeper = keeper;
    this.#client = client;
    this.#delivery = new Delivery(request, context, this);
  }

  /** Starts the delivery. Call read() on the request first. */
  start(): void {
    const { forwarded } = this.#request;
    this.#notKept = this.#whyNotKept();
    if (this.#notKept !== undefined) {
      this.#sendPlain();
      return;
    }
    if (forwarded.awaitsContinue) this.#client?.acceptBody();
    if (forwarded.isWhole) void this.#save();
    else forwarded.collect(() => this.#refuseLength());
  }

  /** The whole body has arrived. */
  bodyArrived(): void {
    if (this.#phase === 'collecting') void this.#save();
    else this.#delivery.bodyArrived();
  }

  pause(): void {
    this.#delivery.pause();
  }

  resume(): void {
    this.#delivery.resume();
  }

  /** Ends the exchange after the response. */
  finish(): void {
    this.#delivery.finish();
  }

  /** The client has gone, or has its response. A saved request is still sent. */
  destroy(): void {
    this.#client = undefined;
    if (this.#phase === 'collecting') this.#phase = 'plain';
    if (this.#phase === 'plain') this.#delivery.destroy();
    else this.#watch();
  }

  release(): ReturnType<Delivery['release']> {
    return this.#delivery.release();
  }

  /**
   * Ends the delivery after a failure of the client or of the listener.
   *
   * The first failure counts.
   *
   * @returns false if the request is not saved, so that the client can be answered immediately;
   * otherwise the handler is called later
   */
  settles(failure: ForwardFailure): boolean {
    if (this.#phase === 'saving') this.#earlyFailure ??= failure;
    if (this.#phase === 'sending') void this.#settle(failure);
    return this.#phase === 'saving' || this.#phase === 'settling';
  }

  interim(head: ResponseHead): void {
    this.#client?.interim(head);
  }

  head(head: ResponseHead): void {
    if (this.#phase === 'sending') {
      this.#leaveSpool();
      this.#saved?.answered();
    }
    // Without a client, no one reads the rest of the response.
    if (this.#client === undefined) this.#delivery.destroy();
    else this.#client.head(head);
  }

  body(bytes: Buffer): void {
    this.#client?.body(bytes);
  }

  end(rawTrailers: readonly string[]): void {
    this.#client?.end(rawTrailers);
  }

  fail(failure: ForwardFailure): void {
    if (!this.settles(failure)) this.#fail(failure);
  }

  progress(): void {
    this.#client?.progress();
    this.#watch();
  }

  #whyNotKept(): string | undefined {
    const { method, upgrades, forwarded } = this.#request;
    if (!KEPT_METHODS.has(method) || upgrades) {
      return `only ${[...KEPT_METHODS].join(', ')} requests are kept`;
    }
    return (forwarded.announcedLength ?? 0) > MAX_HELD ? TOO_LONG : undefined;
  }

  #refuseLength(): void {
    this.#notKept = TOO_LONG;
    this.#sendPlain();
  }

  #sendPlain(): void {
    this.#phase = 'plain';
    this.#delivery.start();
  }

  async #save(): Promise<void> {
    const { forwarded, destination } = this.#request;
    const head = forwarded.head(destination, this.#context.headers, true);
    if (head === undefined) {
      // The delivery refuses this request.
      this.#sendPlain();
      return;
    }
    this.#phase = 'saving';
    const { target } = destination;
    const taken = await this.#keeper.take({ target, request: forwarded.bytes(head) });
    if (taken.kind === 'queued') {
      this.#phase = 'plain';
      this.#client?.kept({ id: taken.id, failure: undefined });
    } else if (taken.kind === 'busy') {
      this.#phase = 'plain';
      this.#fail(BUSY);
    } else if (taken.kind === 'passing') this.#send(taken.request);
    else this.#sendUnsaved(taken.refusal, taken.kind === 'blocked');
  }

  #sendUnsaved(refusal: Refusal, isBlocked: boolean): void {
    this.#phase = 'plain';
    this.#notKept = refusal.why;
    const early = this.#earlyFailure;
    if (isBlocked) this.#fail(refusedFailure(refusal, early));
    else if (early !== undefined) this.#fail(early);
    else if (this.#client !== undefined) this.#delivery.start();
  }

  #send(saved: PassingRequest): void {
    this.#saved = saved;
    this.#phase = 'sending';
    const failure = this.#keeper.signal.aborted ? STOPPING : this.#earlyFailure;
    if (failure !== undefined) {
      void this.#settle(failure);
      return;
    }
    this.#keeper.signal.addEventListener('abort', this.#onStop);
    this.#watch();
    this.#delivery.start();
  }

  async #settle(failure: ForwardFailure): Promise<void> {
    const saved = this.#saved;
    if (saved === undefined) return;
    const { mayHaveArrived } = this.#delivery;
    this.#leaveSpool('settling');
    this.#delivery.destroy();
    if (mayHaveArrived) {
      const refusal = await saved.lost();
      this.#phase = 'plain';
      const kept = refusal === undefined ? { spoolId: saved.id } : { notKept: refusal.why };
      this.#fail({ ...failure, ...kept });
      return;
    }
    if (isFutile(failure.reason)) {
      await saved.futile();
      this.#phase = 'plain';
      this.#fail({ ...failure, notKept: FUTILE });
      return;
    }
    const refusal = await saved.unsent();
    this.#phase = 'plain';
    if (refusal === undefined) this.#client?.kept({ id: saved.id, failure });
    else this.#fail(refusedFailure(refusal, failure));
  }

  #leaveSpool(phase: Phase = 'plain'): void {
    this.#phase = phase;
    this.#watchdog?.stop();
    this.#keeper.signal.removeEventListener('abort', this.#onStop);
  }

  #fail(failure: ForwardFailure): void {
    const { spoolId } = failure;
    const notKept = spoolId === undefined ? (failure.notKept ?? this.#notKept) : undefined;
    this.#client?.fail({ ...failure, ...(notKept !== undefined && { notKept }) });
  }

  /** Limits the time until the response, if no client does. */
  #watch(): void {
    if (this.#client !== undefined || this.#phase !== 'sending') return;
    this.#watchdog ??= new Watchdog(() => {
      this.settles({ reason: 'timeout', message: 'the target did not respond in time' });
    });
    this.#watchdog.arm(this.#context.responseTimeout);
  }
}

/** The failure of a request that could neither be sent nor kept. */
function refusedFailure(
  { isFull, why }: Refusal,
  failure: ForwardFailure | undefined,
): ForwardFailure {
  const { silence, message = 'older messages wait in the spool' } = failure ?? {};
  const reason = isFull ? 'spool-full' : 'spool-failed';
  return { reason, silence, message, notKept: why };
}
