import { codeOf, abortReason, messageOf } from '../../../src/lib/errors/error-message.js';

it.each([
  [new TypeError('why'), 'why'],
  ['text', 'text'],
  [undefined, 'undefined'],
  [7, '7'],
])('the message of %p is %s', (error, message) => {
  expect(messageOf(error)).toBe(message);
});

it('abortReason() returns the given error', () => {
  const reason = new Error('gone');
  expect(abortReason(AbortSignal.abort(reason))).toBe(reason);
});

it.each([[undefined], [AbortSignal.abort('a text')]])(
  'abortReason() returns an error even if the reason is not one',
  (signal) => {
    expect(abortReason(signal)).toBeInstanceOf(Error);
    expect(abortReason(signal).message).toBe('The operation was aborted.');
  },
);

it.each<[unknown, string | undefined]>([
  [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
  [{ code: 'EIO' }, 'EIO'],
  [Object.assign(new Error('x'), { code: 5 }), undefined],
  [new Error('x'), undefined],
  [undefined, undefined],
  [null, undefined],
  ['text', undefined],
])('codeOf(%p) is %p', (error, code) => {
  expect(codeOf(error)).toBe(code);
});
