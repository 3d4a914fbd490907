import type { z } from 'zod';
import { unintelligibleError, type Operation } from './api-error.js';
import { firstLine, NOT_SHOWN, parseJson } from './redact.js';
import type { HttpResponse } from './transport.js';

/** @throws ApiError when the answer is not what the specification says */
export function readAnswer<T>(
  operation: Operation,
  schema: z.ZodType<T>,
  { status, body }: Pick<HttpResponse, 'status' | 'body'>,
): T {
  // What is said with no body (204, RFC 9110 15.3.5) is said with an empty object as well.
  const answer = schema.safeParse(body === '' ? {} : parseJson(body));
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  throw unintelligibleError(operation, status, describeMisfit(body, issue?.path.join('.') ?? ''));
}

/** An answer that was cut short may hold a key or a token; only markup surely does not. */
function describeMisfit(body: string, place: string): string {
  if (parseJson(body) !== undefined) {
    return `the answer lacks what it should have${place === '' ? '' : ` at ${place}`}`;
  }
  const isMarkup = body.trimStart().startsWith('<');
  return `the answer is not JSON: ${isMarkup ? firstLine(body) : NOT_SHOWN}`;
}
