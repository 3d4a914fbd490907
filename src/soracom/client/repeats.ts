/** What happens after an answer that is no success: wait and ask again, or give up and say why. */
import type { ApiError } from '../api-error.js';
import type { SoracomClock } from './clock.js';
import type { ApiOperation } from './operations.js';
import { refusalError } from '../refusal-error.js';
import { retryAfter } from './retry-after.js';
import type { HttpResponse } from './transport.js';

export interface RepeatOptions {
  readonly clock: SoracomClock;
  /** Beyond the first attempt; 4 when absent. */
  readonly mostRepeats?: number | undefined;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** When everything has to be over, by the clock. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
  /** Takes a sentence for people before each pause; what it throws is ignored. */
  readonly onWait: (text: string) => void;
  /** Takes secrets out of what an error shows. */
  readonly hide: (text: string) => string;
}

const MOST_REPEATS = 4;
/** Limits are per minute: the pauses after a 429 make 33 to 65 s, those after a 5xx 8 to 15 s. */
const FIRST_PAUSE = { limited: 5000, broken: 1000 };
const LONGEST_PAUSE = 30_000;
const TOO_MANY_REQUESTS = 429;

/**
 * Sends until there is an answer of status 2xx.
 *
 * An operation that is repeatable is repeated after 429 and 5xx: when the server says, otherwise
 * after pauses that double; never earlier than the server says.
 *
 * @param send one attempt
 * @throws ApiError for the last answer; whatever `send` throws; the signal's reason
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

/** A pause may take a minute, in which nothing else tells people what they wait for. */
function announce(
  pause: number,
  { response, asked }: Outcome,
  { onWait }: Pick<RepeatOptions, 'onWait'>,
): void {
  const wish = asked === undefined ? '' : ' and asks to wait';
  const seconds = Math.ceil(pause / 1000);
  try {
    onWait(
      `The SORACOM API answered HTTP ${response.status}${wish}: trying again in ${seconds} s.`,
    );
  } catch {
    // That nobody can be told is no reason to give up the call.
  }
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
  // The header has whole seconds; within the one that follows, not all clients come at once.
  if (asked !== undefined) return asked + random() * 1000;
  const first = status === TOO_MANY_REQUESTS ? FIRST_PAUSE.limited : FIRST_PAUSE.broken;
  return Math.min(first * 2 ** (attempt - 1), LONGEST_PAUSE) * (0.5 + random() / 2);
}

interface Outcome {
  readonly operation: ApiOperation;
  readonly response: HttpResponse;
  readonly attempt: number;
  /** Milliseconds that the server asks to wait. */
  readonly asked: number | undefined;
  /** Milliseconds that were left, when they were too few. */
  readonly left?: number;
  /** Whether an earlier attempt may have been carried out. */
  readonly mayBeDone: boolean;
}

function giveUp(outcome: Outcome, { hide }: RepeatOptions): ApiError {
  const { operation, response, attempt, asked, left, mayBeDone } = outcome;
  const wait = asked === undefined ? undefined : `${Math.ceil(asked / 1000)} s`;
  const notes = [
    ...(attempt > 1 ? [`tried ${attempt} times`] : []),
    ...(wait === undefined ? [] : [`the server asks to wait ${wait}`]),
    ...(left === undefined ? [] : [`no time is left for that (${Math.floor(left / 1000)} s)`]),
  ];
  const afterRepeat = mayBeDone ? operation.adviceAfterRepeat : undefined;
  const next = afterRepeat ?? (wait === undefined ? undefined : [`Try again in ${wait}.`]);
  return refusalError(operation, response.status, response.body, {
    notes,
    hide,
    mayBeDone,
    ...(next && { next }),
  });
}
