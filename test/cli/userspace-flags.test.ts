import { refuseUserspaceFlags } from '../../src/cli/userspace-flags.js';

const flag = (name: string) => ({ type: 'flag' as const, flag: name });

it.each(['port', 'address', 'header', 'forward-to', 'proxy-listen', 'dns', 'congestion'])(
  'refuses --%s',
  (name) => {
    expect(() => refuseUserspaceFlags([flag('mode'), flag(name)])).toThrow(
      `cannot use --${name} with --mode tun`,
    );
  },
);

it('takes what both modes have, and words that are no flags', () => {
  const both = ['mode', 'wait', 'mtu', 'capture', 'json', 'log-level', 'read-stdin', 'allow-open'];
  const tokens = both.map(flag);
  expect(() => refuseUserspaceFlags([...tokens, { type: 'arg' }])).not.toThrow();
});
