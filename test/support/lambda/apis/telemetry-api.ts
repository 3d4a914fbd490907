/** The Telemetry API, 2022-07-01: subscriptions and batched delivery to subscribers. */
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';

import type { Extension } from '../extension.js';
import { identify } from './extensions-api.js';
import { notFound, refuse, sendText } from './replies.js';
import type { RuntimeDomain } from './runtime-domain.js';

const PATH = '/2022-07-01/telemetry';
/** The allowed names of listeners within the sandbox; each is loopback here. */
const SANDBOX_NAMES = new Set(['sandbox.localdomain', 'sandbox', 'localhost', '127.0.0.1']);
/** The maximum number of records queued for a slow subscriber; further ones are dropped. */
const MAX_QUEUE = 10_000;

export type TelemetryStream = 'platform' | 'function' | 'extension';

interface TelemetryRecord {
  readonly time: string;
  readonly type: string;
  readonly record: unknown;
}

interface SubscribeRequest {
  readonly schemaVersion?: string;
  readonly types?: readonly string[];
  readonly buffering?: { readonly maxItems?: number; readonly timeoutMs?: number };
  readonly destination?: { readonly protocol?: string; readonly URI?: string };
}

export function isTelemetryApi(path: string): boolean {
  return path === PATH;
}

export function serveTelemetryApi(
  domain: RuntimeDomain,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | undefined,
): void {
  if (request.method !== 'PUT') {
    notFound(response);
    return;
  }
  const extension = identify(domain, request, response);
  if (extension === undefined) return;
  if (domain.plan.telemetry === 'unsupported') {
    refuse(response, 'Telemetry.NotSupported', 'Telemetry API is not supported', 202);
    return;
  }
  if (!domain.isRegistrationOpen) {
    const text = 'Telemetry API subscription is closed already';
    refuse(response, 'Telemetry.SubscriptionClosed', text);
    return;
  }
  const subscription = readSubscription(String(body));
  if (subscription === undefined) {
    refuse(response, 'ValidationError', 'wrong subscription', 400);
    return;
  }
  domain.telemetry.subscribe(extension, subscription);
  sendText(response, 200, '"OK"', { 'Content-Type': 'application/json' });
}

function readSubscription(body: string): TelemetrySubscription | undefined {
  let asked: SubscribeRequest;
  try {
    asked = JSON.parse(body) as SubscribeRequest;
  } catch {
    return undefined;
  }
  const { types = [], buffering = {}, destination } = asked;
  const { maxItems = 1000, timeoutMs = 1000 } = buffering;
  if (destination?.protocol !== 'HTTP' || !URL.canParse(destination.URI ?? '')) return undefined;
  const uri = new URL(destination.URI!);
  const isValid =
    ['platform', 'function', 'extension'].some((type) => types.includes(type)) &&
    SANDBOX_NAMES.has(uri.hostname) &&
    maxItems >= 1000 &&
    maxItems <= 10_000 &&
    timeoutMs >= 25 &&
    timeoutMs <= 30_000;
  return isValid ? new TelemetrySubscription(types, uri, { maxItems, timeoutMs }) : undefined;
}

class TelemetrySubscription {
  readonly types: readonly string[];
  readonly #uri: URL;
  readonly #buffering: { readonly maxItems: number; readonly timeoutMs: number };
  #queue: TelemetryRecord[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(
    types: readonly string[],
    uri: URL,
    buffering: { readonly maxItems: number; readonly timeoutMs: number },
  ) {
    this.types = types;
    this.#uri = uri;
    this.#buffering = buffering;
  }

  add(record: TelemetryRecord): void {
    if (this.#queue.length < MAX_QUEUE) this.#queue.push(record);
    if (this.#queue.length >= this.#buffering.maxItems) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#buffering.timeoutMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#queue.length === 0) return;
    const batch = JSON.stringify(this.#queue);
    this.#queue = [];
    const post = httpRequest(
      {
        host: '127.0.0.1',
        port: this.#uri.port,
        path: this.#uri.pathname,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(batch) },
        timeout: 1000,
      },
      (answer) => answer.resume(),
    );
    // A subscriber that has exited or is stopped misses the batch, as on Lambda.
    post.on('error', () => undefined);
    post.on('timeout', () => post.destroy());
    post.end(batch);
  }
}

export class Telemetry {
  readonly #subscriptions: TelemetrySubscription[] = [];
  readonly #wallClock: () => number;

  /** @param wallClock returns the sandbox's wall-clock time, in milliseconds */
  constructor(wallClock: () => number) {
    this.#wallClock = wallClock;
  }

  subscribe(extension: Extension, subscription: TelemetrySubscription): void {
    this.#subscriptions.push(subscription);
    this.tell('platform', 'platform.telemetrySubscription', {
      name: extension.name,
      state: 'Subscribed',
      types: subscription.types,
    });
  }

  /** Adds a record to the batches of the subscribers to its stream. */
  tell(stream: TelemetryStream, type: string, record: unknown): void {
    const told = { time: new Date(this.#wallClock()).toISOString(), type, record };
    for (const subscription of this.#subscriptions) {
      if (subscription.types.includes(stream)) subscription.add(told);
    }
  }

  flush(): void {
    for (const subscription of this.#subscriptions) subscription.flush();
  }
}
