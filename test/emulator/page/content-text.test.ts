import { encodeBody } from '../../../src/emulator/messages.js';
import { contentText } from '../../../src/emulator/page/content-text.js';

const show = (bytes: string | Uint8Array) => {
  const kept = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  return contentText(encodeBody(kept, kept.length));
};

it.each(['', '{"a": 1}', 'one\ttwo\r\nthree', '温度'])('shows %j as text', (text) => {
  expect(show(text)).toEqual({ text, form: 'text', isPart: false });
});

it.each([
  ['bytes that are not UTF-8', Uint8Array.of(0xff, 0), 'ff 00'],
  ['control characters', 'a\u001b[2J', '61 1b 5b 32 4a'],
  ['C1 control characters', '\u0085', 'c2 85'],
  ['characters that change the order of others', '\u202ea', 'e2 80 ae 61'],
])('shows %s in hexadecimal', (_name, bytes, text) => {
  expect(show(bytes)).toEqual({ text, form: 'hex', isPart: false });
});

it('shows only the beginning of a long content', () => {
  expect(show('x'.repeat(1024))).toMatchObject({ isPart: false });
  expect(show('x'.repeat(1025))).toEqual({ text: 'x'.repeat(1024), form: 'text', isPart: true });
  expect(show(new Uint8Array(256))).toMatchObject({ isPart: false });
  const hex = show(new Uint8Array(257));
  expect(hex).toEqual({ text: Array(256).fill('00').join(' '), form: 'hex', isPart: true });
});

it('says that a stored part is not the whole content', () => {
  expect(contentText(encodeBody(Buffer.from('ab'), 3))).toEqual({
    text: 'ab',
    form: 'text',
    isPart: true,
  });
  expect(contentText(encodeBody(Uint8Array.of(0xff, 0xfe), 3))).toMatchObject({ isPart: true });
});
