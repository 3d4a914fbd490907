import type { SendResponse } from '../../../src/app/send-message.js';
import {
  answerBody,
  answerNote,
  answerValue,
  unprintedError,
} from '../../../src/cli/output/send-response.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const HTTP: SendResponse = {
  via: 'http',
  response: { status: 201, statusText: 'Created', headers: { a: 'b' }, body: bytes('ok') },
};

it.each<[SendResponse, object]>([
  [
    { via: 'udp', payload: bytes('201 ok') },
    { via: 'udp', answer: '201 ok' },
  ],
  [
    { via: 'tcp', payload: new Uint8Array(0) },
    { via: 'tcp', answer: '' },
  ],
  [
    { via: 'tcp', payload: undefined },
    { via: 'tcp', answer: null },
  ],
  [
    { via: 'udp', payload: new Uint8Array([0xff, 0]) },
    { via: 'udp', answerBase64: '/wA=' },
  ],
  [HTTP, { status: 201, statusText: 'Created', headers: { a: 'b' }, body: 'ok' }],
])('shows %j as %j', (answer, value) => {
  expect(answerValue(answer)).toEqual(value);
});

it.each<[SendResponse, boolean, string | undefined]>([
  [HTTP, false, 'HTTP 201 Created'],
  [HTTP, true, undefined],
  [{ via: 'udp', payload: bytes('x') }, false, undefined],
  [{ via: 'udp', payload: new Uint8Array(0) }, true, 'The target sent an empty response.'],
  [
    { via: 'udp', payload: undefined },
    true,
    'No response within 7 s. Over UDP, the message may or may not have arrived.',
  ],
  [
    { via: 'tcp', payload: undefined },
    false,
    'The message was delivered, but the target did not send a response.',
  ],
])('says beside %j (json: %s): %s', (answer, json, note) => {
  expect(answerNote(answer, { timeout: 7_000, json })).toBe(note);
});

it('writes the bytes to a pipe, and no escape sequence to a terminal', () => {
  const body = Buffer.from('a\u001b[2Jb\tc\r\n\u009b2J');
  const response = { status: 200, statusText: 'OK', headers: {}, body };
  for (const answer of [
    { via: 'http', response },
    { via: 'udp', payload: body },
  ] as const) {
    expect(answerBody(answer, { isTerminal: false })).toBe(body);
    expect(answerBody(answer, { isTerminal: true })).toBe('a\ufffd[2Jb\tc\n\ufffd2J');
  }
  expect(answerBody({ via: 'tcp', payload: undefined }, { isTerminal: true })).toBe('');
});

it.each<[SendResponse, string]>([
  [
    HTTP,
    'The message was sent, and the response was HTTP 201. To avoid a duplicate, do not send it again.',
  ],
  [
    { via: 'udp', payload: undefined },
    'The message was sent. To avoid a duplicate, do not send it again.',
  ],
])('says that the message was sent if %j cannot be printed', (answer, next) => {
  expect(unprintedError(new Error('ENOSPC'), answer)).toMatchObject({
    kind: 'failed',
    message: 'cannot write to standard output: ENOSPC',
    next: [next],
  });
});
