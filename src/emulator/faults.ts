/**
 * Faults on demand: what a test wants to go wrong with the next calls. The delay of one is bounded,
 * and so is their number.
 */
import * as z from 'zod';

import { isFieldValue, isToken } from '../lib/text/http-syntax.js';

/** Beyond it none is added; those that are used up do not count. */
export const MAX_FAULTS = 100;

/** Milliseconds. */
export const MAX_DELAY = 60_000;

const MAX_TIMES = 1000;
const text = z.string().min(1).max(1000);

/** Headers that say where an answer ends or what the connection is for: Node's own to set. */
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

/** A fault as `POST /emulator/faults` takes it. */
export const faultRequest = z
  .strictObject({
    /** Which calls it meets: an operationId, … */
    operation: text.optional(),
    /** … or a path, where `*` stands for any characters, */
    path: text.optional(),
    /** and the method, any when absent. */
    method: text.optional(),
    /** How many calls it meets. */
    times: z.number().int().min(1).max(MAX_TIMES).default(1),
    /** Answers with this status in the place of carrying the call out. */
    status: z.number().int().min(200).max(599).optional(),
    /** Of the answer: text as it is, anything else as JSON. */
    body: z.unknown().optional(),
    /** Added to the answer's headers. */
    headers: z
      .record(z.string(), z.string().refine(isFieldValue, 'has characters that no header has'))
      .refine((headers) => Object.keys(headers).every(isAllowed), {
        message: 'have a name that is none, or one that frames the answer',
      })
      .optional(),
    /** Retry-After (RFC 9110 10.2.3): seconds or a date. The status is 429 unless it is given. */
    retryAfter: z.union([z.number().int().min(0), z.string().regex(/^[\x20-\x7e]+$/)]).optional(),
    /** Milliseconds between the carrying out and the answer. */
    delayMs: z.number().int().min(0).max(MAX_DELAY).default(0),
    /**
     * Ends the connection: before the call is carried out, after it without any answer, or within
     * the answer.
     */
    cut: z.enum(['before', 'after', 'within']).optional(),
    /** Answers with a body that is no JSON. */
    garbage: z.boolean().default(false),
    /** Carries the call out first, also where `status`, `retryAfter` or `body` replace its answer. */
    carryOut: z.boolean().optional(),
  })
  .refine(({ operation, path }) => (operation === undefined) !== (path === undefined), {
    message: 'needs either operation or path',
  });

export type FaultRequest = Readonly<z.output<typeof faultRequest>>;

export interface Fault extends FaultRequest {
  readonly id: number;
  /** How many calls it will still meet. */
  readonly remaining: number;
}

/** What is known of a call before it is carried out. */
export interface FaultTarget {
  readonly operation: string | undefined;
  readonly method: string;
  readonly path: string;
}

export class Faults {
  #faults: Fault[] = [];
  #lastId = 0;

  /** undefined where there are MAX_FAULTS already */
  add(request: FaultRequest): Fault | undefined {
    if (this.#faults.length >= MAX_FAULTS) return undefined;
    const fault = { ...request, id: ++this.#lastId, remaining: request.times };
    this.#faults.push(fault);
    return fault;
  }

  /** Those that still wait for a call, the oldest first. */
  all(): readonly Fault[] {
    return this.#faults;
  }

  clear(): void {
    this.#faults = [];
  }

  /** The oldest fault that meets this call, which uses it up by one. */
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
 * Whether `path` is `pattern`, where `*` stands for any characters. No regular expression: some
 * patterns would take it for ever.
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
