/**
 * Fault injection for tests: a fault changes the outcome of the next matching calls. The number of
 * faults and their delays are limited.
 */
import * as z from 'zod';

import { isFieldValue, isToken } from '../lib/text/http-syntax.js';

/** The maximum number of active faults. Faults that are used up do not count. */
export const MAX_FAULTS = 100;

/** The maximum delay in milliseconds. */
export const MAX_DELAY = 60_000;

const MAX_TIMES = 1000;
const text = z.string().min(1).max(1000);

/** Headers that frame the response or control the connection, which only Node may set. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function isAllowed(name: string): boolean {
  return isToken(name) && !FRAMING.has(name.toLowerCase());
}

/** The body of `POST /emulator/faults`. */
export const faultRequest = z
  .strictObject({
    /** The operationId of the calls to match; required unless `path` is set. */
    operation: text.optional(),
    /** The path of the calls to match; `*` matches any characters. */
    path: text.optional(),
    /** The HTTP method of the calls to match; matches all methods if absent. */
    method: text.optional(),
    times: z.number().int().min(1).max(MAX_TIMES).default(1),
    /** Responds with this status instead of executing the call. */
    status: z.number().int().min(200).max(599).optional(),
    /** The response body: a string is sent unchanged, any other value as JSON. */
    body: z.unknown().optional(),
    headers: z
      .record(
        z.string(),
        z.string().refine(isFieldValue, 'must not contain characters that are invalid in a header'),
      )
      .refine((headers) => Object.keys(headers).every(isAllowed), {
        message:
          'must not contain an invalid header name or a header that sets the response length',
      })
      .optional(),
    /**
     * Retry-After (RFC 9110 10.2.3): seconds or a date. The status is 429 if only `retryAfter` is
     * given.
     */
    retryAfter: z.union([z.number().int().min(0), z.string().regex(/^[\x20-\x7e]+$/)]).optional(),
    /** The delay between executing the call and responding, in milliseconds. */
    delayMs: z.number().int().min(0).max(MAX_DELAY).default(0),
    /**
     * Closes the connection: before executing the call, after executing it but without a response,
     * or in the middle of the response.
     */
    cut: z.enum(['before', 'after', 'within']).optional(),
    /** Responds with a body that is not JSON. */
    garbage: z.boolean().default(false),
    /** Executes the call first, even if `status`, `retryAfter` or `body` replaces the response. */
    carryOut: z.boolean().optional(),
  })
  .refine(({ operation, path }) => (operation === undefined) !== (path === undefined), {
    message: 'must contain operation or path',
  });

export type FaultRequest = Readonly<z.output<typeof faultRequest>>;

export interface Fault extends FaultRequest {
  readonly id: number;
  /** The number of calls to which the fault still applies. */
  readonly remaining: number;
}

/** The properties of a call that are known before it is executed. */
export interface FaultTarget {
  readonly operation: string | undefined;
  readonly method: string;
  readonly path: string;
}

export class Faults {
  #faults: Fault[] = [];
  #lastId = 0;

  /** Adds a fault; returns undefined if MAX_FAULTS is reached. */
  add(request: FaultRequest): Fault | undefined {
    if (this.#faults.length >= MAX_FAULTS) return undefined;
    const fault = { ...request, id: ++this.#lastId, remaining: request.times };
    this.#faults.push(fault);
    return fault;
  }

  /** Returns the active faults, oldest first. */
  all(): readonly Fault[] {
    return this.#faults;
  }

  clear(): void {
    this.#faults = [];
  }

  /** Returns the oldest fault that matches this call, and decrements its remaining count. */
  take(target: FaultTarget): Fault | undefined {
    const taken = this.#faults.find((fault) => meets(fault, target));
    if (taken === undefined) return undefined;
    this.#faults = this.#faults.flatMap((fault) => {
      if (fault !== taken) return fault;
      return taken.remaining > 1 ? { ...taken, remaining: taken.remaining - 1 } : [];
    });
    return taken;
  }
}

function meets(fault: Fault, { operation, method, path }: FaultTarget): boolean {
  if (fault.method !== undefined && fault.method.toUpperCase() !== method) return false;
  if (fault.operation !== undefined) return fault.operation === operation;
  return fault.path !== undefined && matches(fault.path, path);
}

/**
 * Whether `path` matches `pattern`, in which `*` matches any characters. Does not use a regular
 * expression, which could take exponential time for some patterns.
 */
function matches(pattern: string, path: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return path === pattern;
  if (!path.startsWith(start)) return false;
  let from = start.length;
  for (const part of parts) {
    const found = path.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return path.length - end.length >= from && path.endsWith(end);
}
