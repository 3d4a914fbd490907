/** The errors that oclif really throws, in our wording. */
import { Args, Parser } from '@oclif/core';

import * as Flags from '../../../src/cli/flags/flag.js';
import { refusedSwitch, usageError } from '../../../src/cli/errors/usage-error.js';

const FLAGS = {
  mode: Flags.choice({
    options: ['auto', 'tun', 'userspace'] as const,
    env: 'ARCTUN_USAGE_MODE',
  })(),
  mtu: Flags.integer({ min: 576, env: 'ARCTUN_USAGE_MTU' }),
  name: Flags.text(),
  header: Flags.list(),
  port: Flags.textOrEmpty(),
  wait: Flags.integer({ helpValue: 'SECONDS' }),
  json: Flags.boolean({ exclusive: ['name'] }),
};

/** The lines of the error. */
async function refusal(
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const words = line
    .split(' ')
    .filter(Boolean)
    .map((word) => word.replace("''", ''));
  Object.assign(process.env, env);
  try {
    const args = { file: Args.string({ description: 'A file.', ignoreStdin: true }) };
    await Parser.parse(words, { flags: FLAGS, args, strict: true });
  } catch (error) {
    const context = { command: 'try it', flags: FLAGS, words, env };
    const known = usageError(error as Error, context);
    expect(known?.kind).toBe('usage');
    return [known!.message, ...known!.next];
  } finally {
    for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
  }
  throw new Error(`${line} is not refused`);
}

const HELP = 'Run "arctun try it --help" to list its flags.';

it.each([
  ['--nosuch', ['unknown flag: --nosuch', HELP]],
  ['--mdoe auto', ['unknown flag: --mdoe', 'Did you mean --mode?', HELP]],
  ['--nosuch --neither', ['unknown flags: --nosuch, --neither', HELP]],
  ['a b', ['unexpected argument: b', HELP]],
  ["a ''", ['unexpected argument: ""', HELP]],
  [
    '--mode tan',
    ['invalid --mode: "tan" is not one of auto, tun, userspace', 'Did you mean tun?', HELP],
  ],
  ['--mtu abc', ['invalid --mtu: expected an integer, not "abc"', HELP]],
  ['--mtu 5', ['invalid --mtu: expected an integer greater than or equal to 576, not "5"', HELP]],
  ['--name', ['missing value for --name: expected a value', HELP]],
  ["--name ''", ['invalid --name: the value is empty', HELP]],
  ["--header a --header ''", ['invalid --header: the value is empty', HELP]],
  ['--wait', ['missing value for --wait: expected --wait SECONDS', HELP]],
  [
    '--mode',
    ['missing value for --mode: expected one of these values: auto, tun, userspace', HELP],
  ],
  ['--name a --name b', ['cannot use --name twice: the flag accepts only one value', HELP]],
  [
    '--name a --json',
    ['cannot use --json with --name: these flags exclude each other', 'Remove one of them.', HELP],
  ],
])('%s', async (line, lines) => {
  expect(await refusal(line)).toEqual(lines);
});

it.each([
  [{ options: ['bash', 'zsh'] }, 'missing argument SHELL: expected one of bash, zsh'],
  [{}, 'missing argument SHELL: Shell to print the script for.'],
])('names a missing argument and its options: %j', async (options, message) => {
  const shell = Args.string({
    description: 'Shell to print the script for.',
    required: true,
    ignoreStdin: true,
    ...options,
  });
  // A repeatable flag makes oclif add a note to the error.
  const flags = { header: Flags.list() };
  const error = await Parser.parse([], { args: { shell }, flags }).catch(
    (thrown: unknown) => thrown,
  );
  const context = { command: 'try it', flags: {}, words: [], env: {} };
  const known = usageError(error as Error, context);
  expect([known?.message, known?.next]).toEqual([message, [HELP]]);
});

it('accepts an empty value of a flag that may be empty', async () => {
  const line = ['--port', ''];
  expect((await Parser.parse(line, { flags: FLAGS })).flags.port).toBe('');
});

it('names the variable that gave the value', async () => {
  expect(await refusal('', { ARCTUN_USAGE_MTU: 'abc' })).toEqual([
    'invalid ARCTUN_USAGE_MTU: expected an integer, not "abc"',
    HELP,
  ]);
  expect((await refusal('', { ARCTUN_USAGE_MODE: 'x' }))[0]).toMatch(/^invalid ARCTUN_USAGE_MODE:/);
  // A flag overrides the variable.
  expect((await refusal('--mtu=x', { ARCTUN_USAGE_MTU: 'abc' }))[0]).toMatch(/^invalid --mtu:/);
});

it.each(['maybe', '2'])('refuses %s for a boolean variable', (value) => {
  const flags = { quiet: Flags.boolean({ env: 'ARCTUN_USAGE_QUIET' }) };
  const context = { command: 'try it', flags, words: [], env: { ARCTUN_USAGE_QUIET: value } };
  const error = refusedSwitch(context);
  expect([error?.message, error?.kind, error?.next]).toEqual([
    `invalid ARCTUN_USAGE_QUIET: the value must be true or false, not "${value}"`,
    'usage',
    [HELP],
  ]);
});

it('accepts any boolean variable if the flag is given', () => {
  const flags = { quiet: { type: 'boolean', char: 'q', env: 'ARCTUN_USAGE_QUIET' } };
  const line = { command: 'try it', flags, env: { ARCTUN_USAGE_QUIET: 'maybe' } };
  for (const word of ['--quiet', '-q']) {
    expect(refusedSwitch({ ...line, words: [word] })).toBeUndefined();
  }
});

it.each(['', '1', 'YES', 'False'])('accepts %j for one', (value) => {
  const flags = { quiet: Flags.boolean({ env: 'ARCTUN_USAGE_QUIET' }) };
  const env = { ARCTUN_USAGE_QUIET: value, ARCTUN_USAGE_NAME: 'maybe' };
  expect(refusedSwitch({ command: 'try it', flags, words: [], env })).toBeUndefined();
});

it('does not change other errors', () => {
  const context = { command: 'up', flags: {}, words: [], env: {} };
  expect(usageError(new Error('EPIPE'), context)).toBeUndefined();
});
