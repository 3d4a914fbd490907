/**
 * Builds errors for refused calls. This file is separate from api-error.ts, so that code that only
 * inspects errors does not load the response schemas.
 */
import { redactText } from '../lib/secrets/secret-shapes.js';
import { parseJson } from '../lib/text/parse-json.js';
import { refusal } from './client/responses.js';
import { ApiError, type Operation, SIM_MAY_EXIST } from './api-error.js';
import { firstLine, redactBody } from './redact.js';

/** Details of a refusal other than its status and body. */
export interface RefusalCircumstances {
  /** Phrases to append to the API's message, such as `tried 5 times`. */
  readonly notes?: readonly string[];
  /** What to do next, instead of the general advice for the status. */
  readonly next?: readonly string[];
  readonly mayBeDone?: boolean;
  readonly retryAfter?: number | undefined;
  /** Removes this run's secrets from the body before the error shows any of it. */
  readonly hide?: (text: string) => string;
}

/** Builds the error for a response whose status is not 2xx. */
export function refusalError(
  operation: Operation,
  status: number,
  body: string,
  {
    notes = [],
    next,
    mayBeDone = false,
    retryAfter,
    hide = (text) => text,
  }: RefusalCircumstances = {},
): ApiError {
  const { code, message } = parseRefusal(body, hide);
  const reason = [code, message].filter((part) => part !== undefined).join(': ');
  const why = [`HTTP ${status}${reason === '' ? '' : `, ${reason}`}`, ...notes].join('; ');
  // Advice about a SIM that may exist takes precedence over all other advice.
  const exists = operation.creates === true && !isDefinite(status);
  return new ApiError(
    'refused',
    {
      what: `cannot ${operation.purpose}`,
      why,
      next: exists ? SIM_MAY_EXIST : (next ?? nextSteps(operation, status)),
    },
    { status, code, simMayExist: exists, mayBeDone, retryAfter },
  );
}

/**
 * Whether it is certain that a refused request had no effect. A gateway's 5xx does not reveal what
 * the API did, and a redirect (3xx) may lead to the result of a completed request (RFC 9110
 * 15.4.4).
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
  // The body may be a proxy's page, plain text, or other JSON; redactBody() recognizes the type.
  const shown = firstLine(hide(redactBody(body)));
  return shown === '' ? {} : { message: shown };
}

function nextSteps(operation: Operation, status: number): readonly string[] {
  const advice = operation.advice?.[status];
  if (advice !== undefined) return advice;
  if (status >= 500) return ['Try again in a few minutes: the server has a problem.'];
  if (status >= 300 && status < 400) {
    return [
      "Check the endpoint, or sign in to the network's captive portal: arctun does not follow redirects.",
    ];
  }
  return NEXT_OF_STATUS[status]?.(operation) ?? [];
}

const NEXT_OF_STATUS: Readonly<Record<number, (operation: Operation) => string[]>> = {
  401: () => ['Run the command again: the token is no longer valid.'],
  403: ({ permission }) => [
    `Grant ${permission ?? 'permission for this call'} to the SAM user who signs in.`,
  ],
  404: () => [
    'Check the SIM ID and the coverage type: each SIM belongs to only one of the two coverage types.',
  ],
  407: () => ["Add the proxy's credentials to HTTPS_PROXY."],
  429: () => ['Wait a minute and try again: the API limits calls per minute.'],
};
