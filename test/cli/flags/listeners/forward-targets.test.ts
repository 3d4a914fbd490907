import {
  firstTarget,
  furtherForwards,
  mainTarget,
} from '../../../../src/cli/flags/listeners/forward-targets.js';
import { thrownBy } from '../../../proxy/support/thrown.js';

const SHARED = { headers: [], browsers: { hosts: ['a'], origins: [] } };

const further = (to: string[], isOpen = false) =>
  furtherForwards({ 'forward-to': to, 'allow-open': isOpen }, SHARED);

it('separates the target of the forwarder from targets with their own ports', () => {
  const flags = {
    'forward-to': ['8889=beam.soracom.io', 'uni.soracom.io:81', '[::1]:0=[fd00::1]:8080'],
  };
  expect(mainTarget(flags)).toBe('uni.soracom.io:81');
  expect(further(flags['forward-to'])).toEqual([
    {
      ...SHARED,
      listen: { host: '127.0.0.1', port: 8889 },
      target: { host: 'beam.soracom.io', port: 80 },
      flag: '--forward-to',
      hostFlag: '--forward-to',
    },
    {
      ...SHARED,
      listen: { host: '::1', port: 0 },
      target: { host: 'fd00::1', port: 8080 },
      flag: '--forward-to',
      hostFlag: '--forward-to',
    },
  ]);
});

it('reads several targets from one variable', () => {
  const value = 'a.test, 8889=b.test:1,8890=c.test';
  expect(mainTarget({ 'forward-to': [value] })).toBe('a.test');
  expect(further([value]).map(({ listen, target }) => [listen.port, target.host])).toEqual([
    [8889, 'b.test'],
    [8890, 'c.test'],
  ]);
  expect(firstTarget(value)).toBe('a.test');
  expect(firstTarget('8889=b.test')).toBeUndefined();
});

it('keeps the Unified Endpoint if all targets have their own ports', () => {
  expect(mainTarget({ 'forward-to': ['8889=b.test'] })).toBe('100.127.69.42:80');
});

it('refuses a second target without its own port', () => {
  expect(thrownBy(() => mainTarget({ 'forward-to': ['a.test', 'b.test'] }))).toMatchObject({
    kind: 'usage',
    what: 'cannot use both --forward-to=a.test and --forward-to=b.test',
    next: ['Give the second target its own port: --forward-to 8889=HOST:PORT.'],
  });
});

it.each([
  ['x=b.test', 'cannot listen on "x" (--forward-to)'],
  ['65536=b.test', 'cannot listen on "65536" (--forward-to)'],
  ['=b.test', 'cannot listen on "" (--forward-to)'],
  ['192.0.2.1:8889=b.test', 'cannot listen on 192.0.2.1 (--forward-to)'],
  ['8889=http://b.test', 'cannot use --forward-to=http://b.test'],
  ['8889=b.test:0', 'cannot use --forward-to=b.test:0'],
  ['8889=8890=b.test', 'cannot use --forward-to=8890=b.test'],
])('refuses %s', (value, what) => {
  expect(thrownBy(() => further([value]))).toMatchObject({ kind: 'usage', what });
});

it('listens on other addresses only if the user allows it', () => {
  expect(further(['192.0.2.1:8889=b.test'], true)).toMatchObject([
    { listen: { host: '192.0.2.1' } },
  ]);
});

it('does not show a pasted key', () => {
  const key = `${'A'.repeat(43)}=`;
  expect(further([key])).toEqual([]);
  expect(mainTarget({ 'forward-to': [key] })).toBe(key);
  const shown = thrownBy(() => mainTarget({ 'forward-to': ['a.test', key] }));
  expect(String(shown)).not.toContain(key);
  const secret = `secret-${'a'.repeat(60)}`;
  expect(further([`${secret}=b.test`])).toEqual([]);
});
