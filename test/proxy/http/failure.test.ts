import { DialError, failedDial } from '../../../src/proxy/dialer.js';
import {
  failureResponse,
  malformedFailure,
  rawFailure,
  statusOf,
} from '../../../src/proxy/http/failure.js';

const TARGET = { host: 'fd00::1', port: 8080 };

it('includes the error that a dialer threw', () => {
  expect(failedDial(new DialError('refused', 'no'))).toEqual({ reason: 'refused', message: 'no' });
  expect(failedDial(new Error('odd'))).toEqual({ reason: 'dial-failed', message: 'odd' });
  expect(failedDial('odd').reason).toBe('dial-failed');
});

it('reports why the tunnel is silent, in the body as well', () => {
  const error = new DialError('no-handshake', 'no', { silence: 'under-load' });
  const failure = failedDial(error);
  expect(failure).toEqual({ reason: 'no-handshake', silence: 'under-load', message: 'no' });
  const { fields, body } = failureResponse(failure, TARGET);
  expect(JSON.parse(body)).toEqual({
    error: {
      reason: 'no-handshake',
      silence: 'under-load',
      message: 'no',
      target: '[fd00::1]:8080',
    },
  });
  expect(fields['Retry-After']).toBe(5);
});

it.each(['wrong-key', 'clock-behind'] as const)('does not send Retry-After: %s', (silence) => {
  const failure = { reason: 'no-handshake', silence, message: 'no' } as const;
  expect(failureResponse(failure, TARGET).fields).not.toHaveProperty('Retry-After');
});

it('sends the Retry-After of a traffic budget', () => {
  const failure = failedDial(new DialError('over-budget', 'used up', { retryAfter: 4_321 }));
  expect(statusOf(failure)).toBe(429);
  expect(failureResponse(failure, TARGET).fields['Retry-After']).toBe(4_321);
});

it('counts the length in bytes and escapes the message', () => {
  const { fields, body } = failureResponse({ reason: 'reset', message: '"\n\u65e5' }, TARGET);
  expect(fields['Content-Length']).toBe(Buffer.byteLength(body));
  expect(JSON.parse(body)).toEqual({
    error: { reason: 'reset', message: '"\n\u65e5', target: '[fd00::1]:8080' },
  });
  expect(fields).not.toHaveProperty('Retry-After');
});

it('writes a whole message to a bare socket', () => {
  const failure = { reason: 'method-not-allowed', message: 'no' } as const;
  expect(statusOf(failure)).toBe(405);
  expect(rawFailure(failure, TARGET)).toMatch(
    /^HTTP\/1\.1 405 Method Not Allowed\r\n[^]*Allow: GET, [^]*Connection: close\r\n\r\n\{[^]*\}\n$/,
  );
});

it.each([
  ['HPE_HEADER_OVERFLOW', 'header-too-large', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request-timeout', 408],
  ['HPE_INVALID_METHOD', 'bad-request', 400],
])('reports the reason of the parser: %s', (code, reason, status) => {
  const failure = malformedFailure(Object.assign(new Error('x'), { code }));
  expect(failure?.reason).toBe(reason);
  expect(failure && statusOf(failure)).toBe(status);
});

it.each(['ECONNRESET', 'HPE_INVALID_EOF_STATE'])(
  'reports no error for a client that left: %s',
  (code) => {
    const error = Object.assign(new Error('x'), { code });
    expect(malformedFailure(error)).toBeUndefined();
  },
);

it.each([
  ['no-route', 502],
  ['no-handshake', 504],
  ['refused', 502],
  ['unreachable', 502],
  ['timeout', 504],
  ['closed', 502],
  ['exhausted', 502],
  ['not-ready', 503],
  ['no-such-name', 502],
  ['name-unresolved', 504],
  ['dial-failed', 502],
] as const)('reports a dial that failed with %s as %i', (reason, status) => {
  expect(statusOf({ reason, message: 'no' })).toBe(status);
});
