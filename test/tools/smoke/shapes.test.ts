import { clockDifference, dumpedResponses, shapeOf } from '../../../tools/smoke/soracom/shapes.js';
import { dumpRequest, dumpResponse } from '../../../src/soracom/dump.js';

it('lists names and types, without values', () => {
  const value = {
    simId: '8942310022000012345',
    expiryTime: null,
    sessionStatus: { online: true, dnsServers: ['100.127.0.53'] },
    bundles: [],
    empty: {},
  };
  expect(shapeOf(value)).toEqual([
    'simId: string',
    'expiryTime: null',
    'sessionStatus.online: boolean',
    'sessionStatus.dnsServers[]: string',
    'bundles[]',
    'empty: {}',
  ]);
  expect(shapeOf('text')).toEqual(['string']);
  expect(shapeOf(undefined)).toEqual(['undefined']);
});

it('does not show names that belong to the user or identify a SIM', () => {
  const profile = { subscribers: { '999991234567890': { imsi: '9' } } };
  const value = { tags: { customer: 'x' }, profiles: { '8942310022000012345': profile }, 'a b': 1 };
  expect(shapeOf(value)).toEqual([
    'tags.*: string',
    'profiles.*.subscribers.*.imsi: string',
    '*: number',
  ]);
});

it('describes at most 80 members', () => {
  const value = Object.fromEntries(Array.from({ length: 99 }, (_, index) => [`a${index}`, 1]));
  expect(shapeOf(value)).toHaveLength(80);
});

it('finds the responses that SORACOM_VERBOSE prints', () => {
  const headers = { 'Content-Type': 'application/json' };
  const date = 'Mon, 30 Nov 2026 01:04:05 GMT';
  const exchange = (method: 'POST' | 'PUT', path: string, status: number, body: string) =>
    dumpRequest({ method, url: `https://api.soracom.io/v1${path}`, headers, body: '{}' }) +
    dumpResponse({ status, headers: { date }, body });
  const text = [
    'some log line\n',
    exchange('POST', '/sims', 201, '{"simId":"8942310022000012345"}'),
    exchange('PUT', '/sims/8942310022000012345/tags', 204, ''),
  ].join('');
  expect(dumpedResponses(text)).toEqual([
    {
      target: 'POST /v1/sims',
      host: 'api.soracom.io',
      status: '201',
      date,
      body: { simId: '8942310022000012345' },
    },
    { target: 'PUT /v1/sims/*/tags', host: 'api.soracom.io', status: '204', date, body: undefined },
  ]);
});

it('measures a clock to the middle of the second in a Date header', () => {
  const date = 'Mon, 30 Nov 2026 01:04:05 GMT';
  const at = Date.parse(date);
  expect(clockDifference(date, at + 500)).toMatch(/^\+0\.0 s /);
  expect(clockDifference(date, at + 2_500)).toMatch(/^-2\.0 s /);
  expect(clockDifference(date, at - 2_500)).toMatch(/^\+3\.0 s /);
  expect(clockDifference(undefined, at)).toMatch(/^unknown/);
});
