import { UserError } from '../../../src/lib/errors/user-error.js';
import { errorFrom, portableError } from '../../../src/tunnel/thread/portable-error.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';

/** The error as another thread receives it. */
function copied(error: unknown): Error {
  return errorFrom(structuredClone(portableError(error)));
}

it('preserves a UserError', () => {
  const text = {
    what: 'cannot do it',
    why: 'it is hard',
    next: ['Rest.', 'Try again.'],
    cause: new Error('EPERM'),
  };
  const error = copied(new UserError('permission', text));
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ ...text, kind: 'permission', message: 'cannot do it: it is hard' });
  expect(error.cause).toMatchObject({ message: 'EPERM' });
});

it('preserves a TunnelError with its reason', () => {
  const error = copied(new TunnelError('no-answer', { what: 'no handshake', why: 'silence' }));
  expect(error).toBeInstanceOf(TunnelError);
  expect(error).toMatchObject({ reason: 'no-answer', kind: 'tunnel', why: 'silence' });
});

it('preserves the fields of system errors, and their causes', () => {
  class SystemError extends Error {
    override readonly name = 'SystemError';
    readonly code = 'EEXIST';
    readonly errno = -17;
    readonly handle = () => undefined;
  }
  const original = new SystemError('route 10.0.0.0/8');
  const error = copied(original);
  expect(error).toMatchObject({ name: 'SystemError', message: original.message, errno: -17 });
  expect(error).toHaveProperty('code', 'EEXIST');
  expect(error).not.toHaveProperty('handle');
  expect(error.stack).toBe(original.stack);
  expect(error.cause).toBeUndefined();
});

it('turns any other thrown value into an error', () => {
  expect(copied('just text')).toMatchObject({ name: 'Error', message: 'just text' });
});
