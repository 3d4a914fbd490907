import {
  confirmRenewal,
  confirmSweep,
  confirmTermination,
  wordOfSim,
} from '../../../src/cli/run/confirm.js';

const sim = (name: string) => ({ simId: '8942', name });
const { signal } = new AbortController();

/** Answers a question, and checks its text. */
const answering = (question: string, answer: string) => (asked: string, stop?: AbortSignal) => {
  expect([asked, stop]).toEqual([question, signal]);
  return Promise.resolve(answer);
};

it.each([
  [' sensor 1 ', 'sensor 1'],
  ['  ', '8942'],
  ['a\u001b[2Jb', '8942'],
  ['a\u202eb', '8942'],
])('the confirmation word for a SIM named %j is %j', (name, word) => {
  expect(wordOfSim(sim(name))).toBe(word);
});

it.each([
  ['sensor', ' sensor ', true],
  ['sensor', 'Sensor', false],
  ['sensor', '', false],
  ['', '8942', true],
  ['', '', false],
])('a SIM named %j is terminated by %j: %s', async (name, answer, result) => {
  const word = name === '' ? 'ID (8942)' : 'name (sensor)';
  const question = `Termination is final. Type the SIM's ${word} to confirm:`;
  expect(await confirmTermination(sim(name), signal, answering(question, answer))).toBe(result);
});

it.each([
  [' yes ', true],
  ['y', false],
])('reads %j as the answer %s to a renewal', async (answer, expected) => {
  const holder = 'arctun up (pid 1234) is using this SIM';
  const question = `${holder}. With a new key, its tunnel will stop working until you restart that process. Type yes to renew the key:`;
  expect(await confirmRenewal(holder, signal, answering(question, answer))).toBe(expected);
});

it.each([
  [' 3 ', true],
  ['2', false],
  ['yes', false],
])('reads %j as the answer %s to the termination of three SIMs', async (answer, expected) => {
  const question = 'Termination is final. Type the number of SIMs (3) to confirm:';
  expect(await confirmSweep(3, signal, answering(question, answer))).toBe(expected);
});
