import { renderResponse, renderJson, renderUserError } from '../../../src/cli/output/render.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { HARMFUL } from '../harmful.js';

it('shows what failed, why, and what to do next', () => {
  const error = new UserError('tunnel', {
    what: 'no line',
    why: 'it is cut',
    next: ['Fix it.', 'Or wait.'],
  });
  expect(renderUserError(error)).toBe('Error: no line: it is cut\n  Fix it.\n  Or wait.\n');
});

it('returns text as text and other bytes in base64', () => {
  const answer = { status: 200, statusText: 'OK', headers: { a: 'b' } };
  expect(renderResponse({ ...answer, body: Buffer.from('あ') })).toEqual({ ...answer, body: 'あ' });
  expect(renderResponse({ ...answer, body: new Uint8Array([0xff, 0]) })).toEqual({
    ...answer,
    bodyBase64: '/wA=',
  });
});

describe('renderJson', () => {
  it.each([...HARMFUL, '\ud83d', 'センサー', '\u{e0001}'])('loses nothing of %j', (text) => {
    const json = renderJson([{ name: text }]);
    expect(JSON.parse(json)).toEqual([{ name: text }]);
    expect(json.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(json).toMatch(/^[^\n]*\n$/);
  });

  it('has null for unknown values', () => {
    expect(renderJson({ a: undefined, b: { c: null }, d: false })).toBe(
      '{"a":null,"b":{"c":null},"d":false}\n',
    );
  });
});
