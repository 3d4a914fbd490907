import { type CommandIndex, readWords } from '../../src/entry/read-words.js';
import { createPlugin } from '../../src/entry/plugin.js';
import { UserError } from '../../src/lib/errors/user-error.js';

const plugin = createPlugin();
const INDEX = { commands: plugin.commands, topics: plugin.topics } as unknown as CommandIndex;

const read = (line: string) => readWords(line.split(' ').filter(Boolean), INDEX);

function refusal(line: string): string {
  try {
    read(line);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.kind).toBe('usage');
    return [error.message, ...error.next].join('\n');
  }
  throw new Error(`${line} is not refused`);
}

it.each([
  [[''], '""'],
  [['sim', ' '], 'sim  '],
])('refuses the words %j', (words, name) => {
  expect(() => readWords(words, INDEX)).toThrow(`unknown command: ${name}`);
});

describe('a command', () => {
  it.each([
    ['up', 'up', ''],
    ['u', 'up', ''],
    ['sim list --since 10m', 'sim:list', '--since 10m'],
    ['config', 'config', ''],
    ['config validate x', 'config:validate', 'x'],
    ['send help', 'send', 'help'],
    // The order that soratun accepts.
    ['--config x up', 'up', '--config x'],
    ['--config=x up --json', 'up', '--config=x --json'],
    ['-p 8080 up', 'up', '-p 8080'],
    ['--json sim list', 'sim:list', '--json'],
    ['up --read-stdin=true', 'up', '--read-stdin'],
    ['up --read-stdin=1 --json=T', 'up', '--read-stdin --json'],
    ['up --read-stdin=false --json', 'up', '--json'],
    // A value is not changed, and nor is anything after --.
    ['up --mode=true', 'up', '--mode=true'],
    ['send -- --json=true --help', 'send', '-- --json=true --help'],
  ])('%s', (line, id, words) => {
    expect(read(line)).toEqual({ kind: 'command', id, words: words.split(' ').filter(Boolean) });
  });
});

it.each([
  ['', undefined],
  ['--help', undefined],
  ['help up', 'up'],
  ['help sim', 'sim'],
  ['up --help', 'up'],
  ['u -h', 'up'],
  ['--config x up --help', 'up'],
  ['sim', 'sim'],
  ['sim --help', 'sim'],
  ['sim list extra --help', 'sim:list'],
])('shows help for: %s', (line, id) => {
  expect(read(line)).toEqual({ kind: 'help', id });
});

it.each(['--version', '-v'])('prints the version: %s', (line) => {
  expect(read(line)).toEqual({ kind: 'version' });
});

it.each([
  ['nosuch', 'unknown command: nosuch\nRun "arctun --help" to list the commands.'],
  ['upp', 'unknown command: upp\nDid you mean up?\nRun "arctun --help" to list the commands.'],
  ['sim lst', 'unknown command: sim lst\nDid you mean sim list?\nRun "arctun sim --help"'],
  ['sim ls', 'unknown command: sim ls\nDid you mean sim list?'],
  ['sim rm', 'unknown command: sim rm\nRun "arctun sim --help"'],
  ['config valdate', 'unknown command: config valdate\nDid you mean config validate?'],
  ['-C F.json config validate', 'unknown flag: -C\nRun "arctun --help" to list the commands.'],
  ['--confg F.json config validate', 'unknown flag: --confg\nDid you mean --config?\nRun'],
  ['--nosuch=1 nosuch', 'unknown flag: --nosuch\nRun'],
  ['--json -h nosuch', 'unknown command: nosuch'],
  ['--json', 'missing command: the command line contains only flags (--json)'],
  ['--confg', 'unknown flag: --confg\nDid you mean --config?'],
  ['config a b c d', 'unknown command: config a\nRun "arctun config --help"'],
  [
    'up --json=maybe',
    'invalid --json: the value must be true or false, not "maybe"\nUse --json without a value',
  ],
])('refuses: %s', (line, text) => {
  expect(refusal(line)).toContain(text);
});
