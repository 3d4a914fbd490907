import {
  confirmRenewal,
  confirmSweep,
  confirmTermination,
  wordOfSim,
} from '../../../src/cli/run/confirm.js';

const sim = (name: string) => ({ simId: '8942', name });

it.each([
  ['sensor 1', 'sensor 1'],
  [' sensor ', 'sensor'],
  ['', '8942'],
  ['  ', '8942'],
  ['a\u001b[2Jb', '8942'],
  ['a\u202eb', '8942'],
])('the confirmation word for a SIM named %j is %j', (name, word) => {
  expect(wordOfSim(sim(name))).toBe(word);
});

it.each([
  ['sensor', 'sensor', true],
  ['sensor', ' sensor ', true],
  ['sensor', 'Sensor', false],
  ['sensor', '8942', false],
  ['sensor', '', false],
  ['sensor', 'y', false],
  ['', '8942', true],
  ['', '', false],
])('a SIM named %j is terminated by %j: %s', async (name, answer, result) => {
  const asked: unknown[] = [];
  const { signal } = new AbortController();
  const ask = (message: string, stop?: AbortSignal) => {
    asked.push(message, stop);
    return Promise.resolve(answer);
  };
  expect(await confirmTermination(sim(name), signal, ask)).toBe(result);
  expect(asked[0]).toBe(
    name === ''
      ? "Termination is final. Type the SIM's ID (8942) to confirm:"
      : "Termination is final. Type the SIM's name (sensor) to confirm:",
  );
  expect(asked[1]).toBe(signal);
});

it.each([
  ['yes', true],
  [' yes ', true],
  ['y', false],
  ['', false],
])('reads %j as the answer %s to a renewal', async (answer, expected) => {
  const questions: string[] = [];
  const ask = (question: string) => {
    questions.push(question);
    return Promise.resolve(answer);
  };
  const { signal } = new AbortController();
  const holder = 'arctun up (pid 1234) is using this SIM';
  await expect(confirmRenewal(holder, signal, ask)).resolves.toBe(expected);
  expect(questions).toEqual([
    'arctun up (pid 1234) is using this SIM. With a new key, its tunnel will stop working until you restart that process. Type yes to renew the key:',
  ]);
});

it.each([
  ['3', true],
  [' 3 ', true],
  ['2', false],
  ['yes', false],
  ['', false],
])('reads %j as the answer %s to the termination of three SIMs', async (answer, expected) => {
  const { signal } = new AbortController();
  const ask = (question: string) => {
    expect(question).toBe('Termination is final. Type the number of SIMs (3) to confirm:');
    return Promise.resolve(answer);
  };
  await expect(confirmSweep(3, signal, ask)).resolves.toBe(expected);
});
