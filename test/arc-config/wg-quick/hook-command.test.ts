import { execFileSync } from 'node:child_process';

import fc from 'fast-check';

import {
  formatHook,
  parseHook,
  survivesAsHook,
} from '../../../src/arc-config/wg-quick/hook-command.js';

it.each([
  ['ip route add 10.0.0.0/8 dev %i', ['ip', 'route', 'add', '10.0.0.0/8', 'dev', '%i']],
  ['  /bin/echo   up  ', ['/bin/echo', 'up']],
  [`echo "two words" 'and $5' a\\ b`, ['echo', 'two words', 'and $5', 'a b']],
  [`echo "a \\"quote\\" \\\\"`, ['echo', 'a "quote" \\']],
  [`echo ''`, ['echo', '']],
  ['logger -t wg a=b', ['logger', '-t', 'wg', 'a=b']],
  ["sh -c 'echo a; echo b'", ['sh', '-c', 'echo a; echo b']],
])('%j is %j', (line, command) => {
  expect(parseHook(line)).toEqual({ command, needsShell: false });
});

it.each([
  'iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT',
  'a && b',
  'a | b',
  'a > /dev/null',
  'a $HOME',
  'a "$HOME"',
  'a `id`',
  'a "`id`"',
  'a *.conf',
  'a fil?',
  'a [ab]',
  'a {b,c}',
  'a ~/b',
  '! a',
  '(a)',
  'a &',
  'X=1 a',
  'cd /tmp',
  'source x',
  '. x',
  'if true',
])('%j needs a shell', (line) => {
  expect(parseHook(line)).toEqual({ command: ['/bin/sh', '-c', line], needsShell: true });
});

it.each(['a "b', "a 'b", 'a "b\'', 'a \\'])('%j leaves a quote open', (line) => {
  expect(parseHook(line)).toBeUndefined();
});

it('splits a line into the same words as a shell', () => {
  const parts = fc.constantFrom(
    'a',
    'b=c',
    ' ',
    '  ',
    '"',
    "'",
    '\\',
    '%i',
    '-',
    '/',
    ',',
    '\t',
    ':',
  );
  const lines = fc.array(parts, { maxLength: 9 }).map((list) => `printf ${list.join('')}`);
  const plain = fc.sample(lines, { numRuns: 400, seed: 1 }).flatMap((line) => {
    const hook = parseHook(line);
    return hook && !hook.needsShell ? [{ line, command: hook.command }] : [];
  });
  // The words end with \1, and each line with \2.
  const script = plain.map(({ line }) => `p ${line}`).join('\n');
  const shell = `p() { printf '%s\\1' "$@"; printf '\\2'; }\n${script}`;
  const output = execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8' });
  expect(plain.length).toBeGreaterThan(50);
  expect(output.split('\u0002')).toEqual([
    ...plain.map(({ command }) => command.map((word) => `${word}\u0001`).join('')),
    '',
  ]);
});

describe('survivesAsHook', () => {
  it.each([
    [['a', 'b'], true],
    [['a', '-c', '%i'], true],
    [['a', 'b c'], false],
    [['a', ''], false],
    [['a', "it's"], false],
    [['a', 'b\\'], false],
    [['a', '$b'], false],
    [['a', '#b'], false],
    [['/bin/sh', '-c', 'a; b'], false],
    [['cd', '/'], false],
  ])('%j: %s', (command, survives) => {
    expect(survivesAsHook(command)).toBe(survives);
    if (survives) expect(parseHook(formatHook(command))?.command).toEqual(command);
  });
});
