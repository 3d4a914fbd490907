import {
  refuseUserspaceFlags,
  userspaceFlag,
  userspaceVariable,
} from '../../../../src/cli/flags/listeners/userspace-flags.js';

const flag = (name: string) => ({ type: 'flag' as const, flag: name });

it('refuses userspace flags with a network interface', () => {
  for (const mode of ['tun', 'kernel']) {
    for (const name of ['port', 'forward-to', 'dns', 'hosts', 'dns-listen', 'spool', 'budget']) {
      expect(() => refuseUserspaceFlags([flag('mode'), flag(name)], mode)).toThrow(
        `cannot use --${name} with --mode=${mode}`,
      );
    }
  }
});

it.each(['auto', 'userspace'])('accepts userspace flags with --mode %s', (mode) => {
  expect(() => refuseUserspaceFlags([flag('port')], mode)).not.toThrow();
});

it('accepts flags of both modes, and words that are not flags', () => {
  const both = ['mode', 'wait', 'mtu', 'capture', 'json', 'log-level', 'read-stdin', 'allow-open'];
  const tokens = both.map(flag);
  expect(() => refuseUserspaceFlags([...tokens, { type: 'arg' }], 'tun')).not.toThrow();
});

it('finds userspace-only flags, on the command line and in the environment', () => {
  expect(userspaceFlag([flag('json'), flag('port')])).toBe('--port');
  expect(userspaceFlag([flag('json')])).toBeUndefined();
  const listen = '127.0.0.1:1081';
  expect(userspaceVariable({ ARCTUN_PROXY_LISTEN: listen })).toBe('ARCTUN_PROXY_LISTEN');
  expect(userspaceVariable({ ARCTUN_FORWARD_LISTEN: listen })).toBe('ARCTUN_FORWARD_LISTEN');
  expect(userspaceVariable({ ARCTUN_DNS_LISTEN: listen })).toBe('ARCTUN_DNS_LISTEN');
  expect(userspaceVariable({ ARCTUN_SPOOL: 'outbox' })).toBe('ARCTUN_SPOOL');
  expect(userspaceVariable({ ARCTUN_BUDGET: '5MB/day' })).toBe('ARCTUN_BUDGET');
  expect(userspaceVariable({ ARCTUN_PROXY_LISTEN: 'off', ARCTUN_FORWARD_LISTEN: '' })).toBe(
    undefined,
  );
});
