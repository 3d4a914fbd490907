import { dialFailure } from '../../../src/app/access/dial-failure.js';
import { DialError } from '../../../src/proxy/dialer.js';

it.each(['no-such-name', 'no-route', 'refused', 'unreachable', 'timeout'] as const)(
  'advises to check the target if it fails with %s',
  (reason) => {
    const error = dialFailure(new DialError(reason, 'why'), 'cannot ping a', 'Check a.');
    expect(error).toMatchObject({ what: 'cannot ping a', why: 'why', next: ['Check a.'] });
  },
);

it('does not advise to check the target if the tunnel fails', () => {
  const error = dialFailure(new DialError('exhausted', 'why'), 'cannot ping a', 'Check a.');
  expect(error.next).toEqual([]);
});

it.each([
  ['one.test: 10.0.0.1: silence', 'one.test', '10.0.0.1: silence'],
  ['one.test: 10.0.0.1: silence', 'two.test', 'one.test: 10.0.0.1: silence'],
  ['one.test: 10.0.0.1: silence', undefined, 'one.test: 10.0.0.1: silence'],
  ['10.0.0.1 is far: one.test: away', 'one.test', '10.0.0.1 is far: one.test: away'],
])('does not repeat the host in front of the reason: %s, %s', (message, host, why) => {
  const failure = dialFailure(new DialError('timeout', message), 'cannot connect', '', host);
  expect(failure.why).toBe(why);
});
