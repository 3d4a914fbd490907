import {
  ApiError,
  lostError,
  SIM_MAY_EXIST,
  simMayExist,
  unintelligibleError,
} from '../../src/soracom/api-error.js';
import { CREATE_SIM, GET_SIM } from '../../src/soracom/client/operations.js';
import { refusalError } from '../../src/soracom/refusal-error.js';
import { TransportError } from '../../src/soracom/client/transport-error.js';

const URL = 'https://api.soracom.io/v1/sims';
const lost = (sent: boolean) => new TransportError('timeout', sent, 'no answer');

describe('simMayExist', () => {
  it.each<[string, unknown, boolean]>([
    ['the response was lost', lostError(CREATE_SIM, URL, lost(true)), true],
    ['nothing was sent', lostError(CREATE_SIM, URL, lost(false)), false],
    ['500', refusalError(CREATE_SIM, 500, ''), true],
    ['503', refusalError(CREATE_SIM, 503, ''), true],
    ['303', refusalError(CREATE_SIM, 303, ''), true],
    ['a 2xx answer that cannot be read', unintelligibleError(CREATE_SIM, 201, 'x'), true],
    ['400', refusalError(CREATE_SIM, 400, ''), false],
    ['401', refusalError(CREATE_SIM, 401, ''), false],
    ['403', refusalError(CREATE_SIM, 403, ''), false],
    ['429', refusalError(CREATE_SIM, 429, ''), false],
    ['499', refusalError(CREATE_SIM, 499, ''), false],
    ['another call was lost', lostError(GET_SIM, URL, lost(true)), false],
    ['500 to another call', refusalError(GET_SIM, 500, ''), false],
    ['the answer of another call cannot be read', unintelligibleError(GET_SIM, 200, 'x'), false],
    ['the user stopped', new Error('stopped'), false],
    ['an ApiError without a call', new ApiError('timeout', { what: 'w', why: 'y' }), false],
    ['nothing', undefined, false],
  ])('%s', (_, error, expected) => {
    expect(simMayExist(error)).toBe(expected);
    if (error instanceof ApiError) expect(error.next === SIM_MAY_EXIST).toBe(expected);
  });
});

describe('what to do next', () => {
  it.each([
    [300, 'does not follow redirects'],
    [399, 'does not follow redirects'],
    [500, 'Try again in a few minutes'],
  ])('is that of the status class after %d', (status, next) => {
    expect(refusalError(GET_SIM, status, '').next[0]).toContain(next);
  });

  it.each([
    'dns',
    'connection',
    'timeout',
    'proxy',
    'tls',
    'tls-clock',
    'not-tls',
    'too-long',
  ] as const)('is to check the connection after a failure of %s', (failure) => {
    const error = lostError(GET_SIM, URL, new TransportError(failure, true, 'm'));
    expect(error).toMatchObject({ failure, status: undefined, why: 'api.soracom.io: m' });
    expect(error.next[0]).toMatch(/^Check /);
    expect(error.cause).toBeInstanceOf(TransportError);
  });

  it('is to start the emulator if no program listens on this machine', () => {
    const refused = new TransportError('connection', false, 'connect ECONNREFUSED');
    expect(lostError(GET_SIM, 'http://127.0.0.1:18080/v1/sims', refused).next).toEqual([
      'Start `arctun emulator`. To use SORACOM, do not set ARCTUN_ENDPOINT, SORACOM_ENDPOINT or --endpoint.',
    ]);
  });
});
