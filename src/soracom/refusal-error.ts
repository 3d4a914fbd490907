/** Apart from the errors themselves: whoever tells them apart needs no model of the API's answers. */
import { redactText } from '../lib/secrets/secret-shapes.js';
import { parseJson } from '../lib/text/parse-json.js';
import { refusal } from './client/responses.js';
import { ApiError, type Operation, SIM_MAY_EXIST } from './api-error.js';
import { firstLine, redactBody } from './redact.js';

/** What is known of a refusal besides its status and body. */
export interface RefusalCircumstances {
  /** Behind the API's own words, a clause each: `tried 5 times`. */
  readonly notes?: readonly string[];
  /** What to do next, instead of the general advice for the status. */
  readonly next?: readonly string[];
  readonly mayBeDone?: boolean;
  /** Takes the secrets of this run out of the body, before anything of it is shown. */
  readonly hide?: (text: string) => string;
}

/** The error for an answer whose status is not 2xx. */
export function refusalError(
  operation: Operation,
  status: number,
  body: string,
  { notes = [], next, mayBeDone = false, hide = (text) => text }: RefusalCircumstances = {},
): ApiError {
  const { code, message } = parseRefusal(body, hide);
  const reason = [code, message].filter((part) => part !== undefined).join(': ');
  const why = [`HTTP ${status}${reason === '' ? '' : `, ${reason}`}`, ...notes].join('; ');
  // A SIM that may exist is told of before anything else.
  const exists = operation.creates === true && !isDefinite(status);
  return new ApiError(
    'refused',
    {
      what: `cannot ${operation.purpose}`,
      why,
      next: exists ? SIM_MAY_EXIST : (next ?? nextSteps(operation, status)),
    },
    { status, simMayExist: exists, mayBeDone, ...(code !== undefined && { code }) },
  );
}

/**
 * A gateway's error (5xx) says nothing of what the API behind it did; and behind a redirect (3xx)
 * may stand the result of what was done (RFC 9110 15.4.4).
 */
function isDefinite(status: number): boolean {
  return status >= 400 && status < 500;
}

function parseRefusal(
  body: string,
  hide: (text: string) => string,
): { code?: string; message?: string } {
  const parsed = refusal.safeParse(parseJson(body));
  if (parsed.success) {
    const { code, message } = parsed.data;
    return {
      ...(code !== undefined && { code: redactText(hide(code)) }),
      message: firstLine(hide(message)),
    };
  }
  // A proxy's page, plain text, or JSON that may be anything: which, the body itself tells.
  const shown = firstLine(hide(redactBody(body)));
  return shown === '' ? {} : { message: shown };
}

function nextSteps(operation: Operation, status: number): readonly string[] {
  const advice = operation.advice?.[status];
  if (advice !== undefined) return advice;
  if (status >= 500) return ['The fault is on the other side: try again in some minutes.'];
  if (status >= 300 && status < 400) {
    return ['A redirect is not followed: check the endpoint, or sign in at the captive portal.'];
  }
  return NEXT_OF_STATUS[status]?.(operation) ?? [];
}

const NEXT_OF_STATUS: Readonly<Record<number, (operation: Operation) => string[]>> = {
  401: () => ['The token is not accepted any more: run the command again to sign in anew.'],
  403: ({ permission }) => [
    `Allow ${permission ?? 'this call'} in the permissions of the SAM user that signs in.`,
  ],
  404: () => ['Check the SIM id and the coverage: a SIM is known in its own coverage only.'],
  407: () => ['The proxy wants credentials: put them into HTTPS_PROXY.'],
  429: () => ['Wait a minute and try again: the API limits calls per minute.'],
};
