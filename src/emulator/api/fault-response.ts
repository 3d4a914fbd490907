/** Applies an injected fault to a call and its response. */
import type { Fault } from '../faults.js';
import type { HttpResponse } from '../http-response.js';
import { REFUSALS } from './refusals.js';

const TOO_MANY_REQUESTS = 429;

/** A response like one from an intermediate proxy. */
const GARBAGE = '<!doctype html>\n<html><head><title>Bad Gateway</title></head><body>\u0000</body>';

/** Whether the call is executed despite the fault. */
export function isCarriedOut({ carryOut, cut, status, retryAfter }: Fault): boolean {
  if (cut === 'before') return false;
  return carryOut ?? (status === undefined && retryAfter === undefined);
}

/** @param own the call's own response; undefined if the call was not executed */
export function faultResponse(fault: Fault, own: HttpResponse | undefined): HttpResponse {
  const { status, retryAfter, body, headers, garbage } = fault;
  const replaced = status ?? (retryAfter === undefined ? undefined : TOO_MANY_REQUESTS);
  const content = replaced === undefined ? own : REFUSALS.asked;
  const answer: HttpResponse = {
    ...content,
    status: replaced ?? own?.status ?? REFUSALS.asked.status,
    headers: {
      ...content?.headers,
      ...(garbage && { 'content-type': 'text/html' }),
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...headers,
    },
  };
  if (garbage) return { ...answer, body: GARBAGE };
  return body === undefined ? answer : { ...answer, ...bodyOf(body, answer.headers) };
}

/** Returns objects and strings unchanged, and converts other values to JSON. */
function bodyOf(
  body: unknown,
  headers: HttpResponse['headers'],
): Pick<HttpResponse, 'body' | 'headers'> {
  if (typeof body === 'string' || (typeof body === 'object' && body !== null)) return { body };
  return {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  };
}
