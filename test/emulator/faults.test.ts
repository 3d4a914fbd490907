import { faultRequest, Faults, MAX_DELAY, MAX_FAULTS } from '../../src/emulator/faults.js';

const parse = (request: object) => faultRequest.parse(request);
const call = (operation: string | undefined, path = '/v1/x', method = 'GET') => ({
  operation,
  path,
  method,
});

describe('faultRequest', () => {
  it('means one call and no delay by default', () => {
    expect(parse({ operation: 'auth' })).toMatchObject({ times: 1, delayMs: 0, garbage: false });
  });

  it.each([
    {},
    { operation: 'auth', path: '/x' },
    { operation: '' },
    { operation: 'auth', times: 0 },
    { operation: 'auth', times: 1001 },
    { operation: 'auth', times: 1.5 },
    { operation: 'auth', status: 199 },
    { operation: 'auth', status: 600 },
    { operation: 'auth', delayMs: MAX_DELAY + 1 },
    { operation: 'auth', delayMs: -1 },
    { operation: 'auth', cut: 'never' },
    { operation: 'auth', retryAfter: -1 },
    { operation: 'auth', retryAfter: 'a\r\nb' },
    { operation: 'auth', headers: { 'a b': 'c' } },
    { operation: 'auth', headers: { a: 'b\nc' } },
    { operation: 'auth', headers: { trailer: 'x' } },
    { operation: 'auth', headers: { Connection: 'close' } },
    { operation: 'auth', headers: { 'Content-Length': '5' } },
    { operation: 'auth', headers: { 'transfer-encoding': 'chunked' } },
    { operation: 'auth', headers: { upgrade: 'x' } },
    { operation: 'auth', headers: { 'Keep-Alive': 'x' } },
    { operation: 'auth', headers: { te: 'x' } },
    { operation: 'auth', delay: 5 },
  ])('refuses %j', (request) => {
    expect(faultRequest.safeParse(request).success).toBe(false);
  });
});

describe('take', () => {
  it('matches an operation as often as requested', () => {
    const faults = new Faults();
    faults.add(parse({ operation: 'createSim', times: 2, status: 500 }));
    expect(faults.take(call('getSim'))).toBeUndefined();
    expect(faults.take(call(undefined))).toBeUndefined();
    expect(faults.take(call('createSim'))).toMatchObject({ status: 500, remaining: 2 });
    expect(faults.all()).toMatchObject([{ remaining: 1 }]);
    expect(faults.take(call('createSim'))).toMatchObject({ status: 500, remaining: 1 });
    expect(faults.take(call('createSim'))).toBeUndefined();
    expect(faults.all()).toEqual([]);
  });

  it('takes the oldest fault first', () => {
    const faults = new Faults();
    faults.add(parse({ operation: 'auth', status: 500 }));
    faults.add(parse({ operation: 'auth', status: 429 }));
    expect(faults.take(call('auth'))).toMatchObject({ id: 1, status: 500 });
    expect(faults.take(call('auth'))).toMatchObject({ id: 2, status: 429 });
  });

  it('may be limited to one method', () => {
    const faults = new Faults();
    faults.add(parse({ path: '/v1/sims', method: 'post' }));
    expect(faults.take(call('listSims', '/v1/sims'))).toBeUndefined();
    expect(faults.take(call('createSim', '/v1/sims', 'POST'))).toBeDefined();
  });

  it.each([
    ['/v1/sims', '/v1/sims', true],
    ['/v1/sims', '/v1/sims/1', false],
    ['/v1/sims', '/v1/sim', false],
    ['*', '/v1/sims', true],
    ['/v1/sims/*', '/v1/sims/1', true],
    ['/v1/sims/*', '/v1/sims', false],
    ['*/tags', '/v1/sims/1/tags', true],
    ['*/tags', '/v1/sims/1/tags/a', false],
    ['/v1/*/1/*', '/v1/sims/1/tags', true],
    ['/v1/*/2/*', '/v1/sims/1/tags', false],
    ['/a*a', '/a', false],
    ['/a*a', '/aa', true],
    ['/a*b*b', '/ab', false],
  ])('matches the pattern %s with %s: %s', (path, called, expected) => {
    const faults = new Faults();
    faults.add(parse({ path }));
    expect(faults.take(call(undefined, called)) !== undefined).toBe(expected);
  });

  it('is not slowed down by a pattern', () => {
    const faults = new Faults();
    faults.add(parse({ path: '*a'.repeat(400) }));
    expect(faults.take(call(undefined, `/${'a'.repeat(16_000)}b`))).toBeUndefined();
  });
});

it('are cleared, and limited in number', () => {
  const faults = new Faults();
  for (let count = 0; count < MAX_FAULTS; count++) {
    expect(faults.add(parse({ operation: 'auth' }))).toBeDefined();
  }
  expect(faults.add(parse({ operation: 'auth' }))).toBeUndefined();
  faults.clear();
  expect(faults.all()).toEqual([]);
  expect(faults.add(parse({ operation: 'auth' }))).toMatchObject({ id: MAX_FAULTS + 1 });
});
