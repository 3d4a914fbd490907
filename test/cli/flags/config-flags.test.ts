import { refuseSecondSource } from '../../../src/cli/flags/config-flags.js';

it('refuses a second configuration on the command line', () => {
  const flag = (name: string) => ({ type: 'flag', flag: name }) as const;
  const others = [{ type: 'arg' } as const, flag('strict')];
  expect(() => refuseSecondSource('--read-stdin', [...others, flag('read-stdin')])).not.toThrow();
  expect(() => refuseSecondSource('--read-stdin', [flag('read-stdin'), flag('config')])).toThrow(
    'cannot use --read-stdin with --config: both provide a configuration',
  );
  expect(() => refuseSecondSource('-', others)).not.toThrow();
  expect(() => refuseSecondSource('-', [flag('config')])).toThrow('cannot use - with --config: ');
  expect(() => refuseSecondSource('FILE', [flag('read-stdin')])).toThrow(
    'cannot use FILE with --read-stdin: ',
  );
});
