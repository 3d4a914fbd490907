import { rawHead, reasonPhrase } from '../../../src/proxy/http/raw-head.js';

it('writes the status line, the fields and the empty line', () => {
  expect(rawHead(103, 'Early Hints', ['Link', '</a>', 'Link', '</b>', 'X', ''])).toBe(
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\nX: \r\n\r\n',
  );
});

it.each(['OK', 'Not\tFound', '', '\x20~', '\x80\xff'])('keeps the phrase %j', (phrase) => {
  expect(reasonPhrase(phrase)).toBe(phrase);
});

it.each(['a\r\nSet-Cookie: x', 'a\n', '\r', '\0', '\x7f', '\x1f', '\u0100'])(
  'omits the phrase %j',
  (phrase) => {
    expect(reasonPhrase(phrase)).toBe('');
  },
);
