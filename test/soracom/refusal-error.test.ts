import { GET_SIM } from '../../src/soracom/client/operations.js';
import { refusalError } from '../../src/soracom/refusal-error.js';

describe('the API’s message', () => {
  it.each([
    ['{"code":"SEM0016","message":"Offline.\\nmore"}', 'SEM0016', 'HTTP 400, SEM0016: Offline.'],
    ['{"message":"Forbidden"}', undefined, 'HTTP 400, Forbidden'],
    ['{"code":5,"message":"Odd"}', undefined, 'HTTP 400, Odd'],
    [
      '{"httpStatus":400,"errorMessage":{"code":"A","message":"Nested"}}',
      'A',
      'HTTP 400, A: Nested',
    ],
    ['{"token":"t"}', undefined, 'HTTP 400, {"token":"<redacted>"}'],
    ['{"code":"A","message":"no secret-abc"}', 'A', 'HTTP 400, A: no <redacted>'],
    ['Bad Request\nmore', undefined, 'HTTP 400, Bad Request'],
    ['{"token":"t', undefined, 'HTTP 400, (not shown)'],
    ['', undefined, 'HTTP 400'],
  ])('%j', (body, code, why) => {
    const error = refusalError(GET_SIM, 400, body);
    expect(error.why).toBe(why);
    expect(error.code).toBe(code);
  });

  it('is redacted before it is cut', () => {
    const body = JSON.stringify({ message: `${'x '.repeat(98)}hunter22` });
    const hide = (text: string) => text.replaceAll('hunter22', '***');
    expect(refusalError(GET_SIM, 400, body, { hide }).why).toMatch(/x \*\*\*$/);
  });
});
