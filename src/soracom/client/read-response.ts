import type { z } from 'zod';
import { parseJson } from '../../lib/text/parse-json.js';
import { unintelligibleError, type Operation } from '../api-error.js';
import { firstLine, NOT_SHOWN, redactBody } from '../redact.js';
import type { HttpResponse } from './transport.js';

/**
 * @param hide takes the secrets of this run out of the body, before anything of it is shown
 * @throws ApiError when the answer is not what the specification says
 */
export function readResponse<T>(
  operation: Operation,
  schema: z.ZodType<T>,
  { status, body }: Pick<HttpResponse, 'status' | 'body'>,
  hide: (text: string) => string = (text) => text,
): T {
  // What is said with no body (204, RFC 9110 15.3.5) is said with an empty object as well.
  const answer = schema.safeParse(body === '' ? {} : parseJson(body));
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  const why = describeMisfit(body, issue?.path.join('.') ?? '', hide);
  throw unintelligibleError(operation, status, why);
}

/** An answer that was cut short may hold a key or a token; markup and short words surely do not. */
function describeMisfit(body: string, place: string, hide: (text: string) => string): string {
  if (parseJson(body) !== undefined) {
    return `the answer lacks what it should have${place === '' ? '' : ` at ${place}`}`;
  }
  // Judged as it came: a secret that is hidden at its beginning would look like markup.
  const isHarmless = !['', NOT_SHOWN].includes(redactBody(body));
  return `the answer is not JSON: ${isHarmless ? firstLine(hide(body)) : NOT_SHOWN}`;
}
