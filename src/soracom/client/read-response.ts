import type { ZodMiniType } from 'zod/mini';
import { parseJson } from '../../lib/text/parse-json.js';
import { unintelligibleError, type Operation } from '../api-error.js';
import { firstLine, NOT_SHOWN, redactBody } from '../redact.js';
import type { HttpResponse } from './transport.js';

/**
 * Parses the body of a response.
 *
 * @param hide removes this run's secrets from the body before an error shows any of it
 * @throws ApiError if the response does not match the specification
 */
export function readResponse<T>(
  operation: Operation,
  schema: ZodMiniType<T>,
  { status, body }: Pick<HttpResponse, 'status' | 'body'>,
  hide: (text: string) => string = (text) => text,
): T {
  // Treat an empty body (204, RFC 9110 15.3.5) as an empty object.
  const answer = schema.safeParse(body === '' ? {} : parseJson(body));
  if (answer.success) return answer.data;
  const [issue] = answer.error.issues;
  const why = describeMisfit(body, issue?.path.join('.') ?? '', hide);
  throw unintelligibleError(operation, status, why);
}

/**
 * Describes a response body that cannot be parsed. A truncated body may contain a key or a token,
 * so only markup and short words are shown.
 */
function describeMisfit(body: string, place: string, hide: (text: string) => string): string {
  if (parseJson(body) !== undefined) {
    return `the response lacks required data${place === '' ? '' : ` at ${place}`}`;
  }
  // Check the original body: if it starts with a secret, hiding the secret would make it look like
  // markup.
  const isHarmless = !['', NOT_SHOWN].includes(redactBody(body));
  return `the response is not JSON: ${isHarmless ? firstLine(hide(body)) : NOT_SHOWN}`;
}
