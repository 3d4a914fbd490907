import { z } from 'zod';
import { ApiError } from '../../../src/soracom/api-error.js';
import { readResponse } from '../../../src/soracom/client/read-response.js';

const OPERATION = { purpose: 'try' };
const schema = z.object({ a: z.object({ b: z.string() }).optional() });

it('reads JSON, and an empty body as an empty object', () => {
  expect(readResponse(OPERATION, schema, { status: 200, body: '{"a":{"b":"c"}}' })).toEqual({
    a: { b: 'c' },
  });
  expect(readResponse(OPERATION, schema, { status: 204, body: '' })).toEqual({});
});

it.each([
  ['{"a":{"b":5}}', 'the response lacks required data at a.b'],
  ['[]', 'the response lacks required data'],
  ['null', 'the response lacks required data'],
  ['{"a":{"b":"c"', 'the response is not JSON: (not shown)'],
  ['hello world not json\nsecond', 'the response is not JSON: hello world not json'],
  ['key aGVsbG8x', 'the response is not JSON: (not shown)'],
  [' ', 'the response is not JSON: (not shown)'],
  ['\n<p>secret-x\n', 'the response is not JSON: <p><redacted>'],
])('%j is refused', (body, why) => {
  expect.assertions(2);
  try {
    readResponse(OPERATION, schema, { status: 200, body });
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ why: `HTTP 200, but ${why}`, failure: 'unintelligible' });
  }
});

it.each([
  ['wrong: hunter\n', 'the response is not JSON: wrong: <redacted>'],
  ['<p>hunter', 'the response is not JSON: <p><redacted>'],
  // If it were hidden first, the text would look like markup.
  ['hunter2,"token":"abc"', 'the response is not JSON: (not shown)'],
])("%j is shown without the run's secrets", (body, why) => {
  const hide = (text: string) => text.replaceAll('hunter', '<redacted>');
  const read = () => readResponse(OPERATION, schema, { status: 200, body }, hide);
  expect(read).toThrow(`HTTP 200, but ${why}`);
});
