import { nameSources, sourceOf } from '../../../src/cli/errors/value-source.js';
import { UserError } from '../../../src/lib/errors/user-error.js';

const FLAGS = {
  config: { type: 'option', env: 'ARCTUN_CONFIG' },
  mtu: { type: 'option', env: 'ARCTUN_MTU' },
  name: { type: 'option' },
  quiet: { type: 'boolean', char: 'q', env: 'ARCTUN_QUIET' },
};

const ENV = { ARCTUN_CONFIG: 'a', ARCTUN_MTU: '5', ARCTUN_QUIET: '1' };

const line = (words: readonly string[], env: Readonly<Record<string, string>>) => ({
  flags: FLAGS,
  words,
  env,
});

it.each([
  ['mtu', [], {}, undefined],
  ['mtu', [], ENV, 'ARCTUN_MTU'],
  ['mtu', [], { ARCTUN_MTU: '' }, undefined],
  ['mtu', ['--mtu', '9'], ENV, '--mtu'],
  ['mtu', ['--mtu=9'], ENV, '--mtu'],
  ['mtu', ['--', '--mtu=9'], ENV, 'ARCTUN_MTU'],
  ['quiet', ['-q'], ENV, '--quiet'],
  ['quiet', [], ENV, 'ARCTUN_QUIET'],
  ['quiet', [], { ARCTUN_QUIET: 'No' }, undefined],
  ['name', [], ENV, undefined],
  ['other', [], ENV, undefined],
] as const)('the source of --%s in %j with %j is %j', (name, words, env, source) => {
  expect(sourceOf(name, line(words, env))).toBe(source);
});

it.each([
  ['cannot use --mtu=5', 'cannot use ARCTUN_MTU=5'],
  ['set --mtu (not --mtu-x, --name or --other)', 'set ARCTUN_MTU (not --mtu-x, --name or --other)'],
  ['cannot use --config or ARCTUN_CONFIG', 'cannot use ARCTUN_CONFIG'],
  ['use --mtu or ARCTUN_OTHER', 'use ARCTUN_MTU or ARCTUN_OTHER'],
  ['run `x --mtu 5` or "arctun up --mtu 5"', 'run `x --mtu 5` or "arctun up --mtu 5"'],
])('%s becomes %s', (text, expected) => {
  const error = new UserError('failed', { what: text, why: text, next: [text] });
  nameSources(error, line([], ENV));
  const { kind, what, why, next } = error;
  expect({ kind, what, why, next }).toEqual({
    kind: 'failed',
    what: expected,
    why: expected,
    next: [expected],
  });
});

it('keeps an error about typed flags and defaults', () => {
  const both = 'cannot use --config or ARCTUN_CONFIG with --mtu=5';
  const error = new UserError('usage', { what: both, why: 'x' });
  nameSources(error, line([], {}));
  expect(error.message).toBe(`${both}: x`);
  nameSources(error, line(['--config', 'a', '--mtu', '5'], ENV));
  expect(error.message).toBe('cannot use --config with --mtu=5: x');
  expect(error.stack).toContain('cannot use --config with --mtu=5: x');
});
