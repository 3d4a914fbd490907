import type { Command } from '@oclif/core';

import { readCommandLine } from '../../../src/cli/completion/command-line.js';

function command(id: string, rest: object = {}): Command.Cached {
  return {
    id,
    aliases: [],
    hiddenAliases: [],
    hidden: false,
    args: {},
    flags: {},
    description: `About ${id}. And more.`,
    ...rest,
  };
}

const HELP = {
  name: 'help',
  char: 'h',
  description: 'Show help.',
  isRepeatable: false,
  value: undefined,
};

function nodesOf(commands: readonly Command.Cached[]) {
  const topics = [{ name: 'sim', description: 'The life of a SIM.' }];
  return new Map(
    readCommandLine('arctun', commands, topics).nodes.map((node) => [node.path, node] as const),
  );
}

it('has an entry for each command, each topic, and the top level', () => {
  const nodes = nodesOf([command('up'), command('sim:show'), command('sim:list')]);
  expect([...nodes.keys()]).toEqual(['', 'sim', 'sim list', 'sim show', 'up']);
  expect(nodes.get('')).toEqual({
    path: '',
    aliases: [],
    next: [
      { word: 'sim', description: 'The life of a SIM.' },
      { word: 'up', description: 'About up.' },
    ],
    flags: [HELP],
    argument: undefined,
  });
  expect(nodes.get('sim')?.next.map(({ word }) => word)).toEqual(['list', 'show']);
});

it('accepts the aliases of a command, but does not suggest them', () => {
  const up = { hiddenAliases: ['u'], aliases: ['open'] };
  const nodes = nodesOf([command('up', up), command('u', up), command('open', up)]);
  expect([...nodes.keys()]).toEqual(['', 'up']);
  expect(nodes.get('up')?.aliases).toEqual(['open', 'u']);
});

it('omits hidden commands and flags', () => {
  const flags = { inner: { name: 'inner', type: 'boolean', hidden: true } };
  const nodes = nodesOf([command('up', { flags }), command('secret', { hidden: true })]);
  expect([...nodes.keys()]).toEqual(['', 'up']);
  expect(nodes.get('up')?.flags).toEqual([HELP]);
});

it('reads flags', () => {
  const flags = {
    mode: { name: 'mode', type: 'option', options: ['a', 'b'], description: 'How. Or else.' },
    header: { name: 'header', char: 'H', type: 'option', multiple: true },
    config: { name: 'config', type: 'option', helpValue: 'FILE' },
    json: { name: 'json', type: 'boolean' },
  };
  const base = { char: undefined, description: '', isRepeatable: false };
  expect(nodesOf([command('up', { flags })]).get('up')?.flags).toEqual([
    { ...base, name: 'mode', description: 'How.', value: ['a', 'b'] },
    { ...base, name: 'header', char: 'H', isRepeatable: true, value: 'unknown' },
    { ...base, name: 'config', value: 'path' },
    { ...base, name: 'json', value: undefined },
    HELP,
  ]);
});

it.each([
  [{ file: { name: 'file' } }, 'path'],
  [{ shell: { name: 'shell', options: ['bash'] } }, ['bash']],
  [{ message: { name: 'message' } }, 'unknown'],
  [{}, undefined],
])('reads the argument of %j', (args, value) => {
  expect(nodesOf([command('x', { args })]).get('x')?.argument).toEqual(value);
});
