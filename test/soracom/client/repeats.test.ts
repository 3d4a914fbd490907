import { ApiError } from '../../../src/soracom/api-error.js';
import * as operations from '../../../src/soracom/client/operations.js';
import {
  sendWithRepeats,
  type RepeatOptions,
  retryAfter,
} from '../../../src/soracom/client/repeats.js';
import type { HttpResponse } from '../../../src/soracom/client/transport.js';
import { InstantClock } from '../instant-clock.js';

const { CREATE_SIM, GET_SIM, TERMINATE_SIM } = operations;
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

let clock: InstantClock;
let random: number;
let told: string[];
beforeEach(() => {
  clock = new InstantClock();
  random = 0;
  told = [];
});

function answer(status: number, headers: Record<string, string> = {}, body = ''): HttpResponse {
  return { status, headers, body };
}

/** Sends to a server that returns these answers in turn, the last one forever. */
async function send(
  operation: operations.ApiOperation,
  answers: readonly HttpResponse[],
  options: Partial<RepeatOptions> = {},
) {
  let sent = 0;
  const outcome = await sendWithRepeats(
    operation,
    () => Promise.resolve(answers[Math.min(sent++, answers.length - 1)]!),
    {
      clock,
      random: () => random,
      end: clock.now() + 120_000,
      signal: undefined,
      onWait: (text) => told.push(text),
      hide: (text) => text,
      ...options,
    },
  ).then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );
  return { ...outcome, sent };
}

async function errorOf(result: ReturnType<typeof send>): Promise<ApiError> {
  const outcome = await result;
  if ('error' in outcome && outcome.error instanceof ApiError) return outcome.error;
  throw new Error('no ApiError', { cause: outcome });
}

it('does not retry a call that must not be retried', async () => {
  const outcome = await send(GET_SIM, [answer(503)], { mostRepeats: 0 });
  expect(outcome).toMatchObject({ sent: 1, error: { status: 503 } });
  expect(await send(GET_SIM, [answer(503)], { mostRepeats: 1 })).toMatchObject({ sent: 2 });
});

it.each([300, 307, 400, 401, 403, 404, 408, 409])('%d is not retried', async (status) => {
  expect(await send(GET_SIM, [answer(status, { 'retry-after': '1' })])).toMatchObject({
    error: { status, failure: 'refused', why: `HTTP ${status}` },
    sent: 1,
  });
  expect(clock.pauses).toEqual([]);
});

describe('pauses', () => {
  it.each([
    [429, 0, [2500, 5000, 10_000, 15_000]],
    [429, 0.5, [3750, 7500, 15_000, 22_500]],
    [500, 0, [500, 1000, 2000, 4000]],
    [503, 0.5, [750, 1500, 3000, 6000]],
    [599, 0.5, [750, 1500, 3000, 6000]],
  ])('grow after %d, with randomness at %d, up to four times', async (status, chance, pauses) => {
    random = chance;
    expect(await send(GET_SIM, [answer(status)])).toMatchObject({
      error: { status, why: `HTTP ${status}; tried 5 times` },
      sent: 5,
    });
    expect(clock.pauses).toEqual(pauses);
    expect(told).toEqual(
      pauses.map(
        (pause) =>
          `The SORACOM API returned HTTP ${status}. Retrying in ${Math.ceil(pause / 1000)} s.`,
      ),
    );
  });

  it('end when the signal fires', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    clock.onPause = () => controller.abort(reason);
    const outcome = await send(GET_SIM, [answer(503)], { signal: controller.signal });
    expect(outcome).toEqual({ error: reason, sent: 1 });
  });

  it('are skipped if the remaining time is too short for them', async () => {
    const error = await errorOf(send(GET_SIM, [answer(500)], { end: clock.now() + 1500 }));
    expect(clock.pauses).toEqual([500]);
    expect(error.why).toBe('HTTP 500; tried 2 times; the remaining time is only 1 s');
  });
});

describe('Retry-After', () => {
  it('is respected in both forms, and never shortened', async () => {
    random = 0.25;
    const until = 'Sun, 06 Nov 1994 08:50:07 GMT';
    await send(GET_SIM, [
      answer(429, { 'retry-after': '60' }),
      answer(503, { 'retry-after': until, date: DATE }),
      answer(429, { 'retry-after': '0' }),
      answer(200),
    ]);
    expect(clock.pauses).toEqual([60_250, 30_250, 250]);
    expect(told.slice(0, 2)).toEqual([
      'The SORACOM API returned HTTP 429 with a Retry-After header. Retrying in 61 s.',
      'The SORACOM API returned HTTP 503 with a Retry-After header. Retrying in 31 s.',
    ]);
  });
});

describe('createSim', () => {
  it.each([429, 500, 503])('is not retried after %d', async (status) => {
    expect(await send(CREATE_SIM, [answer(status, { 'retry-after': '0' })])).toMatchObject({
      error: { status, simMayExist: status >= 500 },
      sent: 1,
    });
    expect(clock.pauses).toEqual([]);
  });
});

describe('terminateSim', () => {
  it('reports that it may have succeeded if a retry is refused after a 5xx', async () => {
    const error = await errorOf(send(TERMINATE_SIM, [answer(502), answer(429), answer(404)]));
    expect(error.next.join(' ')).toContain('an earlier attempt may have terminated the SIM');
  });
});

const YEAR = 365 * 24 * 3600 * 1000;

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['9'.repeat(400), YEAR],
  ['Sun, 06 Nov 1994 08:50:37 GMT', 60_000],
  ['Sun, 06 Nov 1994 08:49:36 GMT', 0],
  ['Sun, 06 Nov 2994 08:49:37 GMT', YEAR],
  ['1e3', undefined],
  ['soon', undefined],
  ['', undefined],
])('Retry-After %j means %s ms', (text, wait) => {
  expect(retryAfter({ headers: { 'retry-after': text, date: DATE } })).toBe(wait);
});

it('ignores a date if the answer has no date for comparison', () => {
  const headers = { 'retry-after': 'Sun, 06 Nov 2994 08:50:37 GMT' };
  expect(retryAfter({ headers })).toBeUndefined();
  expect(retryAfter({ headers: { ...headers, date: 'now' } })).toBeUndefined();
  expect(retryAfter({ headers: { date: DATE } })).toBeUndefined();
});
