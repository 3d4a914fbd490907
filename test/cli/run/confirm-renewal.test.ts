import { confirmRenewal } from '../../../src/cli/run/confirm-renewal.js';

it.each([
  ['yes', true],
  [' yes ', true],
  ['y', false],
  ['', false],
])('takes %j as %s', async (answer, expected) => {
  const questions: string[] = [];
  const ask = (question: string) => {
    questions.push(question);
    return Promise.resolve(answer);
  };
  const { signal } = new AbortController();
  const holder = 'arctun up (pid 1234) uses this SIM';
  await expect(confirmRenewal(holder, signal, ask)).resolves.toBe(expected);
  expect(questions).toEqual([
    'arctun up (pid 1234) uses this SIM: a new key ends its tunnel until it restarts. Type yes to renew the key:',
  ]);
});
