import { refuseConfigFlag, refuseSecondSource } from '../../../src/cli/flags/stdin-flag.js';

it('refuses a second configuration on the command line', () => {
  const flag = (name: string) => ({ type: 'flag', flag: name }) as const;
  expect(() => refuseConfigFlag([{ type: 'arg' }, flag('read-stdin')])).not.toThrow();
  expect(() => refuseConfigFlag([flag('read-stdin'), flag('config')])).toThrow(
    'cannot use --read-stdin with --config: both provide a configuration',
  );
});

it('refuses an argument together with a flag that names a configuration', () => {
  const flag = (name: string) => ({ type: 'flag', flag: name }) as const;
  expect(() => refuseSecondSource('-', [{ type: 'arg' }, flag('strict')])).not.toThrow();
  expect(() => refuseSecondSource('-', [flag('config')])).toThrow('cannot use - with --config: ');
  expect(() => refuseSecondSource('a.json', [flag('read-stdin')])).toThrow(
    'cannot use FILE with --read-stdin: ',
  );
});
