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
