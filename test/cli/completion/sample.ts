/** A small command line, with descriptions that contain shell metacharacters. */
import type { CommandLine } from '../../../src/cli/completion/command-line.js';

export function nasty(name: string): string {
  return `${name}: it's "a": [b] (c) {d} $e \`f\` \\ ; | & < > * ? ! # ~ %.`;
}

const HELP = {
  name: 'help',
  char: 'h',
  description: 'Show help.',
  isRepeatable: false,
  value: undefined,
} as const;

function flag(name: string, value: 'path' | 'unknown' | readonly string[] | undefined) {
  return { name, char: undefined, description: nasty(name), isRepeatable: false, value };
}

const LEAF = { aliases: [], next: [], argument: undefined };

export const SAMPLE_LINE: CommandLine = {
  program: 'arctun',
  nodes: [
    {
      path: '',
      aliases: [],
      next: [
        { word: 'config', description: nasty('config') },
        { word: 'sim', description: '' },
        { word: 'up', description: nasty('up') },
      ],
      flags: [HELP],
      argument: undefined,
    },
    {
      path: 'config',
      aliases: [],
      next: [{ word: 'import', description: nasty('import') }],
      flags: [flag('config', 'path'), HELP],
      argument: undefined,
    },
    { ...LEAF, path: 'config import', flags: [HELP], argument: 'path' },
    { ...LEAF, path: 'sim', next: [{ word: 'list', description: nasty('list') }], flags: [HELP] },
    {
      ...LEAF,
      path: 'sim list',
      flags: [flag('since', 'unknown'), HELP],
      argument: ['all', 'own'],
    },
    {
      ...LEAF,
      path: 'up',
      aliases: ['u'],
      flags: [
        flag('config', 'path'),
        flag('mode', ['auto', 'tun', 'userspace']),
        { ...flag('header', 'unknown'), char: 'H', isRepeatable: true },
        { ...flag('kind', ['one', 'two']), char: 'k' },
        flag('json', undefined),
        HELP,
      ],
    },
  ],
};

/** A typed line, and the possible completions of its last word. */
export const COMPLETIONS: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['', ['config', 'sim', 'up']],
  ['s', ['sim']],
  ['x', []],
  ['config ', ['import']],
  ['config import no', ['notes one.txt']],
  ['config import q', []],
  ['sim list o', ['own']],
  ['up --mo', ['--mode']],
  ['u --mo', ['--mode']],
  ['up --mode u', ['userspace']],
  ['up --json --mode ', ['auto', 'tun', 'userspace']],
  ['up -k t', ['two']],
  ['up --config no', ['notes one.txt']],
  ['up --header ', []],
  ['up --mode tun --j', ['--json']],
];
