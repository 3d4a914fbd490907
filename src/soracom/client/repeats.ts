/** Decides how to handle a response other than 2xx: wait and retry, or report the failure. */
import type { ApiError } from '../api-error.js';
import type { ApiOperation } from './operations.js';
import { tell } from '../dump.js';
import { refusalError } from '../refusal-error.js';
import type { SoracomClientOptions, SoracomClock } from './options.js';
import { parseHttpDate } from './http-date.js';
import type { HttpResponse } from './transport.js';

export interface RepeatOptions extends Pick<SoracomClientOptions, 'mostRepeats' | 'onWait'> {
  readonly clock: SoracomClock;
  /** Returns a random number from 0 to below 1. */
  readonly random: () => number;
  /** The deadline for all attempts, as a time on `clock`. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
  /** Removes secrets from an error message. */
  readonly hide: (text: string) => string;
}

const MOST_REPEATS = 4;
/**
 * The first pauses in milliseconds. In total, the pauses last 33 to 65 s after 429, because
 * SORACOM's rate limits are per minute, and 8 to 15 s after 5xx.
 */
const FIRST_PAUSE = { limited: 5000, broken: 1000 };
const LONGEST_PAUSE = 30_000;
const TOO_MANY_REQUESTS = 429;
/** The longest accepted Retry-After: one year, in milliseconds. */
const LONGEST_RETRY_AFTER = 365 * 24 * 3600 * 1000;

/**
 * Sends a request until the response has status 2xx.
 *
 * A repeatable operation is retried after 429 and 5xx. The pauses follow the server's Retry-After
 * header, or double each time if the header is missing.
 *
 * @param send makes one attempt
 * @throws ApiError for the last response, any error of `send`, or the abort reason
 */
export async function sendWithRepeats(
  operation: ApiOperation,
  send: () => Promise<HttpResponse>,
  options: RepeatOptions,
): Promise<HttpResponse> {
  const { mostRepeats = MOST_REPEATS } = options;
  let mayBeDone = false;
  for (let attempt = 1; ; attempt++) {
    const response = await send();
    const { status } = response;
    if (status >= 200 && status < 300) return response;
    const asked = passesByItself(status) ? retryAfter(response) : undefined;
    const outcome = { operation, response, attempt, asked, mayBeDone };
    if (!operation.repeatable || !passesByItself(status) || attempt > mostRepeats) {
      throw giveUp(outcome, options);
    }
    const pause = pauseBefore(attempt, status, asked, options.random);
    const left = options.end - options.clock.now();
    if (pause >= left) throw giveUp({ ...outcome, left }, options);
    mayBeDone ||= status !== TOO_MANY_REQUESTS;
    announce(pause, outcome, options);
    await options.clock.sleep(pause, options.signal);
  }
}

/** Announces a pause, because the user may otherwise wait for a minute without any output. */
function announce(
  pause: number,
  { response, asked }: Outcome,
  { onWait }: Pick<RepeatOptions, 'onWait'>,
): void {
  const wish = asked === undefined ? '' : ' with a Retry-After header';
  const seconds = Math.ceil(pause / 1000);
  const { status } = response;
  tell(onWait, () => `The SORACOM API returned HTTP ${status}${wish}. Retrying in ${seconds} s.`);
}

function passesByItself(status: number): boolean {
  return status === TOO_MANY_REQUESTS || status >= 500;
}

function pauseBefore(
  attempt: number,
  status: number,
  asked: number | undefined,
  random: () => number,
): number {
  // Retry-After contains whole seconds, so distribute the clients over the following second.
  if (asked !== undefined) return asked + random() * 1000;
  const first = status === TOO_MANY_REQUESTS ? FIRST_PAUSE.limited : FIRST_PAUSE.broken;
  return Math.min(first * 2 ** (attempt - 1), LONGEST_PAUSE) * (0.5 + random() / 2);
}

interface Outcome {
  readonly operation: ApiOperation;
  readonly response: HttpResponse;
  readonly attempt: number;
  /** The pause that the server asks for, in milliseconds. */
  readonly asked: number | undefined;
  /** The time left for the pause, in milliseconds; set only if it is too short. */
  readonly left?: number;
  /** Whether an earlier attempt may have taken effect. */
  readonly mayBeDone: boolean;
}

function giveUp(outcome: Outcome, { hide }: RepeatOptions): ApiError {
  const { operation, response, attempt, asked, left, mayBeDone } = outcome;
  const wait = asked === undefined ? undefined : `${Math.ceil(asked / 1000)} s`;
  const notes = [
    ...(attempt > 1 ? [`tried ${attempt} times`] : []),
    ...(wait === undefined ? [] : [`the server requested a retry after ${wait}`]),
    ...(left === undefined ? [] : [`the remaining time is only ${Math.floor(left / 1000)} s`]),
  ];
  const afterRepeat = mayBeDone ? operation.adviceAfterRepeat : undefined;
  const next = afterRepeat ?? (wait === undefined ? undefined : [`Try again in ${wait}.`]);
  return refusalError(operation, response.status, response.body, {
    notes,
    hide,
    mayBeDone,
    retryAfter: asked,
    ...(next && { next }),
  });
}

/**
 * Returns the pause that the server asks for (Retry-After, RFC 9110 10.2.3), in milliseconds.
 *
 * A date is compared with the response's `Date` header, because this machine's clock may be wrong
 * by years. Without a `Date` header, a Retry-After date is ignored.
 *
 * @returns undefined if the response does not ask for a pause
 */
export function retryAfter({ headers }: Pick<HttpResponse, 'headers'>): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, LONGEST_RETRY_AFTER);
  const until = parseHttpDate(text);
  const answered = parseHttpDate(headers.date ?? '');
  if (until === undefined || answered === undefined) return undefined;
  return Math.min(Math.max(until - answered, 0), LONGEST_RETRY_AFTER);
}
