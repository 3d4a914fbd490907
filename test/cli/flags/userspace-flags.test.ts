import {
  refuseUserspaceFlags,
  userspaceFlag,
  userspaceVariable,
} from '../../../src/cli/flags/userspace-flags.js';

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

it('finds what userspace alone has, on the command line and in the environment', () => {
  expect(userspaceFlag([flag('json'), flag('port')])).toBe('--port');
  expect(userspaceFlag([flag('json')])).toBeUndefined();
  const listen = '127.0.0.1:1081';
  expect(userspaceVariable({ ARCTUN_PROXY_LISTEN: listen })).toBe('ARCTUN_PROXY_LISTEN');
  expect(userspaceVariable({ ARCTUN_FORWARD_LISTEN: listen })).toBe('ARCTUN_FORWARD_LISTEN');
  expect(userspaceVariable({ ARCTUN_PROXY_LISTEN: 'off', ARCTUN_FORWARD_LISTEN: '' })).toBe(
    undefined,
  );
});
