import { checkClock } from '../../../src/app/doctor/outside-checks.js';
import { TransportError } from '../../../src/soracom/client/transport-error.js';

const NOW = Date.UTC(2026, 10, 29, 12);
const { signal } = new AbortController();

function check(serverTime: () => Promise<number | undefined>, stop = signal) {
  const wallClock = { unixMilliseconds: () => NOW };
  return checkClock(undefined, stop, { serverTime, wallClock });
}

it.each([0, 60_000, -60_000])('accepts a difference of %i ms', async (difference) => {
  expect(await check(() => Promise.resolve(NOW + difference))).toMatchObject({ outcome: 'ok' });
});

it.each([
  [61_000, 'tunnel', '1 min slow', /1 min ahead; the server ignores/],
  [3_600_000, 'tunnel', '60 min slow', /60 min ahead/],
  [30 * 3_600_000, 'tunnel', '30 h slow', /30 h ahead/],
  [20 * 365 * 24 * 3_600_000, 'tunnel', '7300 days slow', /7300 days ahead/],
  [-62_000, 'failed', '1 min fast', /1 min behind; after the clock is corrected/],
  [-3_601_000, 'failed', '60 min fast', /60 min behind/],
])('reports a difference of %i ms', async (difference, kind, text, cause) => {
  expect(await check(() => Promise.resolve(NOW + difference))).toMatchObject({
    outcome: 'failed',
    kind,
    text: `This machine's clock is ${text}.`,
    cause: expect.stringMatching(cause) as string,
    remedy: expect.stringContaining('NTP') as string,
  });
});

it('blames the clock for a certificate that is not valid yet', async () => {
  const error = new TransportError('tls-clock', false, 'certificate is not yet valid');
  expect(await check(() => Promise.reject(error))).toMatchObject({
    outcome: 'failed',
    text: "This machine's clock is wrong.",
    cause: 'Certificate is not yet valid.',
  });
});

it.each([
  [() => Promise.resolve(undefined), 'Skipped: the SORACOM API did not report its time.'],
  [
    () => Promise.reject(new TransportError('dns', false, 'ENOTFOUND')),
    'Skipped: the SORACOM API did not answer (ENOTFOUND).',
  ],
])('is skipped without the time of the API', async (serverTime, text) => {
  expect(await check(serverTime)).toEqual({ name: 'clock', outcome: 'skipped', text });
});

it('ends with the reason of a stop', async () => {
  const reason = new Error('stopped');
  const wait = () => Promise.reject(new Error('aborted'));
  await expect(check(wait, AbortSignal.abort(reason))).rejects.toBe(reason);
});
