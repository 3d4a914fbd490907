import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Runner } from '../../src/action/runner.js';

let folder: string;
let written: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-runner-'));
  written = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const runner = (env: Record<string, string> = {}) =>
  new Runner({ GITHUB_OUTPUT: join(folder, 'output'), ...env }, (text) => void written.push(text));

it('reads inputs as the runner passes them', () => {
  const env = { 'INPUT_AUTH-KEY': ' secret-1\n', INPUT_A_B: 'x', INPUT_EMPTY: ' ' };
  expect(runner(env).input('auth-key')).toBe('secret-1');
  expect(runner(env).input('a b')).toBe('x');
  expect(runner(env).input('empty')).toBeUndefined();
  expect(runner(env).input('absent')).toBeUndefined();
});

it('assigns values of several lines, which cannot assign other names', () => {
  runner().setOutput('a', 'one\nb=two');
  runner().setOutput('c', 'three');
  const [first = '', ...lines] = readFileSync(join(folder, 'output'), 'utf8').split('\n');
  const [, delimiter = ''] = /^a<<(arctun_[0-9a-f-]{36})$/.exec(first) ?? [];
  expect(lines.slice(0, 3)).toEqual(['one', 'b=two', delimiter]);
  expect(lines[3]).toMatch(/^c<</);
  expect(lines[3]).not.toContain(delimiter);
});

it('masks each line of a secret, without what the runner would decode', () => {
  runner().mask('a%0Ab\r\n\nc');
  expect(written).toEqual(['::add-mask::a%250Ab\n', '::add-mask::c\n']);
});

it('prints an error of several lines as one command', () => {
  runner().error('a\nb');
  expect(written).toEqual(['::error title=arctun::a%0Ab\n']);
});

it('prints the output of a program without obeying it', () => {
  runner().output('::add-path::/x\n');
  runner().output(' \n');
  const [, token] = /^::stop-commands::(.+)\n::add-path::\/x\n::(.+)::\n$/.exec(written[0]!)!;
  expect(token).toHaveLength(36);
  expect(written).toEqual([`::stop-commands::${token}\n::add-path::/x\n::${token}::\n`]);
});

it('reports that it runs outside of a runner', () => {
  expect(() => runner().saveState('a', 'b')).toThrow('GITHUB_STATE is not set');
});
