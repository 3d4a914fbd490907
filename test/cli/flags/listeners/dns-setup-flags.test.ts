import {
  dnsSetup,
  refuseUnusedDomains,
} from '../../../../src/cli/flags/listeners/dns-setup-flags.js';
import { refuseUserspaceFlags } from '../../../../src/cli/flags/listeners/userspace-flags.js';
import { thrownBy } from '../../../proxy/support/thrown.js';

type Manager = 'off' | 'auto' | 'resolved' | 'resolvconf';

const setup = (manager: Manager, mode: string, domains?: string[]) =>
  dnsSetup({ 'dns-setup': manager, 'dns-domain': domains, mode });

it('is off by default, in every mode', () => {
  for (const mode of ['auto', 'tun', 'kernel', 'userspace'])
    expect(setup('off', mode, ['-'])).toBeUndefined();
});

it('reads domains from repeated flags, or from one variable', () => {
  expect(setup('auto', 'tun')).toEqual({ manager: 'auto', domains: [] });
  expect(setup('resolved', 'kernel', ['A.example.', '~b.example', '.'])).toEqual({
    manager: 'resolved',
    domains: ['a.example', 'b.example', '.'],
  });
  expect(setup('resolvconf', 'tun', ['a.example, ~.'])?.domains).toEqual(['a.example', '.']);
});

it.each(['auto', 'userspace'])('needs a mode with a network interface, not %s', (mode) => {
  expect(thrownBy(() => setup('auto', mode))).toMatchObject({
    kind: 'usage',
    what: `cannot use --dns-setup=auto with --mode=${mode}`,
  });
});

it.each(['-a', 'a.example,', '..'])('refuses the domain %j', (domain) => {
  expect(thrownBy(() => setup('auto', 'tun', [domain]))).toMatchObject({
    kind: 'usage',
    what: `cannot use --dns-domain=${domain.split(',').at(-1) ?? ''}`,
  });
});

it('allows --dns with a network interface, and no other userspace flag', () => {
  const tokens = (...flags: readonly string[]) =>
    flags.map((flag) => ({ type: 'flag', flag }) as const);
  refuseUserspaceFlags(tokens('dns', 'dns-setup'), 'tun', 'auto');
  expect(thrownBy(() => refuseUserspaceFlags(tokens('dns'), 'tun', 'off'))).toMatchObject({
    what: 'cannot use --dns with --mode=tun',
  });
  const other = thrownBy(() => refuseUserspaceFlags(tokens('dns', 'hosts'), 'tun', 'auto'));
  expect(other).toMatchObject({ what: 'cannot use --hosts with --mode=tun' });
});

it('refuses --dns-domain without --dns-setup, but ignores the variable', () => {
  const tokens = [{ type: 'flag', flag: 'dns-domain' }] as const;
  expect(thrownBy(() => refuseUnusedDomains(tokens, { 'dns-setup': 'off' }))).toMatchObject({
    kind: 'usage',
    what: 'cannot use --dns-domain without --dns-setup',
  });
  refuseUnusedDomains(tokens, { 'dns-setup': 'auto' });
  refuseUnusedDomains([], { 'dns-setup': 'off' });
});
