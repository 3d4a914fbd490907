import {
  InterfaceSetupError,
  setUpInterface,
} from '../../../../src/system/linux/interface/interface-setup.js';
import { removeLeftovers } from '../../../../src/system/linux/interface/guard-routes.js';
import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import { Rtnetlink } from '../../../../src/system/linux/interface/rtnetlink.js';
import { parseIpAddress, parseIpPrefix } from '../../../../src/wire/ip-address.js';
import { NetworkNamespace } from '../../../support/foreign/network-namespace.js';
import { describeWith } from '../../../support/runner/requirements.js';

const SETTINGS = {
  mtu: 1380,
  addresses: ['10.1.2.3', '2001:db8::3'].map((text) => parseIpAddress(text)!),
  routes: [],
  killSwitch: false,
};
const routes = (...texts: string[]) => texts.map((text) => parseIpPrefix(text)!);

// iproute2 reads back the changes, and shows where packets would go.
describeWith(['linux', 'koffi', 'root', 'tun', 'ip'], 'the setup of an interface', () => {
  let libc: Libc;
  let space: NetworkNamespace;
  let netlink: Rtnetlink;

  beforeAll(async () => {
    libc = (await loadLibc())!;
  });
  beforeEach(() => {
    space = new NetworkNamespace(libc);
    space.ip('link', 'set', 'lo', 'up');
    for (const name of ['arc', 'eth']) space.ip('tuntap', 'add', name, 'mode', 'tun');
    space.ip('address', 'add', '192.0.2.1/24', 'dev', 'eth');
    space.ip('link', 'set', 'eth', 'up');
    space.ip('route', 'add', 'default', 'via', '192.0.2.254');
    netlink = space.inside(() => new Rtnetlink(libc));
  });
  afterEach(() => {
    netlink.close();
    space.close();
  });

  function setUp(...texts: string[]) {
    return space.inside(() =>
      setUpInterface(netlink, 'arc', { ...SETTINGS, routes: routes(...texts) }),
    );
  }

  function refusal(act: () => void): InterfaceSetupError {
    try {
      act();
    } catch (error) {
      if (error instanceof InterfaceSetupError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  /** The interface that a packet would leave by. */
  function wayTo(address: string, ...how: string[]): string | undefined {
    return / dev (\S+)/.exec(space.ip('route', 'get', address, ...how))?.[1];
  }

  it('sets the MTU, addresses without neighbors, and routes', () => {
    const { fwmark } = setUp('100.127.0.0/16', 'fd00::/8');
    expect(fwmark).toBe(0);
    const shown = space.ip('address', 'show', 'dev', 'arc');
    expect(shown).toMatch(/[<,]UP[,>].* mtu 1380 /);
    expect(shown).toContain('inet 10.1.2.3/32 ');
    expect(shown).toContain('inet6 2001:db8::3/128 ');
    expect(wayTo('100.127.69.42')).toBe('arc');
    expect(wayTo('fd12::1')).toBe('arc');
    expect(wayTo('100.128.0.1')).toBe('eth');
    expect(space.ip('rule')).not.toContain('fwmark');
  });

  it('keeps the route of another program, and reports which one', () => {
    space.ip('route', 'add', '100.127.0.0/16', 'dev', 'eth');
    const error = refusal(() => setUp('100.127.0.0/16'));
    expect(error).toMatchObject({ code: 'EEXIST', subject: 'route 100.127.0.0/16' });
    expect(wayTo('100.127.69.42')).toBe('eth');
  });

  it('rolls back if a step fails, and reports the first failure', () => {
    for (const taken of ['100.127.0.0/16', '198.18.0.0/15']) {
      space.ip('route', 'add', taken, 'dev', 'eth');
    }
    const error = refusal(() => setUp('100.127.0.0/16', '198.18.0.0/15', '203.0.113.0/24'));
    expect(error).toMatchObject({ subject: 'route 100.127.0.0/16', remedy: '' });
    expect(space.ip('address', 'show', 'dev', 'arc')).not.toMatch(/10\.1\.2\.3|2001:db8/);
    expect(space.ip('route')).not.toContain('dev arc');
  });

  it('routes everything into the tunnel except marked packets and those with a more specific route', () => {
    const { fwmark } = setUp('0.0.0.0/0', '::/0');
    expect(fwmark).toBe(11_010);
    expect(wayTo('198.51.100.1')).toBe('arc');
    expect(wayTo('198.51.100.1', 'mark', String(fwmark))).toBe('eth');
    expect(wayTo('192.0.2.7')).toBe('eth');
    expect(wayTo('2001:db8:1::1')).toBe('arc');
  });

  it('removes the rules of a default route once', () => {
    const before = [space.ip('rule'), space.ip('-6', 'rule')];
    const configured = setUp('0.0.0.0/0', '::/0');
    expect(space.ip('-6', 'rule')).not.toBe(before[1]);
    configured.undo();
    configured.undo();
    expect([space.ip('rule'), space.ip('-6', 'rule')]).toEqual(before);
  });

  it('keeps the rules of wg-quick, which are identical', () => {
    space.ip('rule', 'add', 'table', 'main', 'suppress_prefixlength', '0');
    const before = space.ip('rule');
    setUp('0.0.0.0/0').undo();
    expect(space.ip('rule')).toBe(before);
  });

  it('removes the rules of a process that was killed', () => {
    const before = space.ip('rule').split('\n').length;
    setUp('0.0.0.0/0');
    space.ip('link', 'delete', 'arc');
    expect(wayTo('198.51.100.1')).toBe('eth');
    space.ip('tuntap', 'add', 'arc', 'mode', 'tun');
    const { fwmark } = setUp('0.0.0.0/0');
    expect(fwmark).toBe(11_010);
    expect(space.ip('rule').split('\n')).toHaveLength(before + 2);
  });

  describe('a guard', () => {
    const guards = () =>
      `${space.ip('-4', 'route', 'show', 'table', 'all', 'proto', '110')}${space.ip('-6', 'route', 'show', 'table', 'all', 'proto', '110')}`
        .split('\n')
        .filter((line) => line.startsWith('unreachable'))
        .map((line) => line.split(' ')[1]);
    /** The state that SIGKILL leaves. */
    const kill = () => space.ip('link', 'delete', 'arc');
    const again = () => space.ip('tuntap', 'add', 'arc', 'mode', 'tun');
    const withKillSwitch = (...texts: string[]) =>
      space.inside(() =>
        setUpInterface(netlink, 'arc', { ...SETTINGS, killSwitch: true, routes: routes(...texts) }),
      );

    it('rejects packets for an interface that no longer exists, and lets the rest pass', () => {
      setUp('10.128.0.0/9', '2001:db8:1::/48');
      expect([wayTo('10.200.0.1'), wayTo('2001:db8:1::5')]).toEqual(['arc', 'arc']);
      kill();
      for (const address of ['10.200.0.1', '2001:db8:1::5']) {
        expect(() => wayTo(address)).toThrow(/unreachable|No route to host/);
      }
      expect(wayTo('198.51.100.1')).toBe('eth');
    });

    it('yields to another program’s route to the same destination', () => {
      space.ip('route', 'add', '10.128.0.0/9', 'via', '192.0.2.7', 'metric', '4000');
      setUp('10.128.0.0/9');
      kill();
      expect(wayTo('10.200.0.1')).toBe('eth');
    });

    it('is taken over by the next process, which removes the guards without a route', () => {
      setUp('10.128.0.0/9', '2001:db8:1::/48');
      kill();
      again();
      const configured = setUp('10.128.0.0/9', '10.64.0.0/10');
      expect(guards()).toEqual(['10.64.0.0/10', '10.128.0.0/9']);
      configured.undo();
      expect(guards()).toEqual([]);
    });

    it('of another interface is not touched', () => {
      space.ip('tuntap', 'add', 'other', 'mode', 'tun');
      space.inside(() =>
        setUpInterface(netlink, 'other', { ...SETTINGS, routes: routes('10.32.0.0/16') }),
      );
      setUp('10.128.0.0/9').undo();
      expect(guards()).toEqual(['10.32.0.0/16']);
      expect(removeLeftovers(netlink, 'arc')).toBe(0);
      expect(removeLeftovers(netlink, 'other')).toBe(1);
    });

    it('follows a change of the routes', () => {
      const configured = setUp('10.128.0.0/9');
      const { addresses } = SETTINGS;
      configured.plan({ addresses, routes: routes('10.64.0.0/10') }).apply();
      expect(guards()).toEqual(['10.64.0.0/10']);
    });

    it('stays if a start fails after a process was killed', () => {
      setUp('10.128.0.0/9');
      kill();
      again();
      space.ip('route', 'add', '10.64.0.0/10', 'via', '192.0.2.7');
      expect(refusal(() => setUp('10.128.0.0/9', '10.64.0.0/10')).code).toBe('EEXIST');
      expect(guards()).toEqual(['10.128.0.0/9']);
    });

    it('is not created for a default route or half of one', () => {
      setUp('0.0.0.0/0', '::/0', '0.0.0.0/1', '2000::/3');
      expect(guards()).toEqual([]);
      kill();
      expect(wayTo('198.51.100.1')).toBe('eth');
    });

    it('blocks a default route with a kill switch, except for marked packets', () => {
      const { fwmark } = withKillSwitch('0.0.0.0/0', '::/0', '10.128.0.0/9');
      const mark = String(fwmark);
      kill();
      expect(() => wayTo('198.51.100.1')).toThrow(/unreachable|No route to host/);
      expect(() => wayTo('10.200.0.1')).toThrow(/unreachable|No route to host/);
      expect(wayTo('198.51.100.1', 'mark', mark)).toBe('eth');
      // A more specific route than the default does not lead into the tunnel.
      expect(wayTo('192.0.2.7')).toBe('eth');
      again();
      const next = withKillSwitch('0.0.0.0/0', '::/0');
      expect(next.fwmark).toBe(fwmark);
      expect(wayTo('198.51.100.1')).toBe('arc');
      // An unexpected end: the kill switch stays closed.
      next.undo();
      kill();
      expect(guards()).toEqual(['default', 'default']);
      expect(() => wayTo('198.51.100.1')).toThrow(/unreachable|No route to host/);
      expect(removeLeftovers(netlink, 'arc')).toBe(6);
      expect(wayTo('198.51.100.1')).toBe('eth');
      expect(space.ip('rule')).not.toContain('11010');
    });

    it('of a kill switch is removed by the next process without one', () => {
      withKillSwitch('0.0.0.0/0');
      kill();
      again();
      setUp('0.0.0.0/0').undo();
      expect(guards()).toEqual([]);
      expect(wayTo('198.51.100.1')).toBe('eth');
      expect(space.ip('rule')).not.toContain(String(2 * 11_010));
    });
  });

  it('does not touch a table that another program uses', () => {
    space.ip('route', 'add', '198.51.100.0/24', 'dev', 'eth', 'table', '11010');
    const { fwmark } = setUp('0.0.0.0/0');
    expect(fwmark).toBe(11_011);
    expect(wayTo('198.51.100.1')).toBe('arc');
  });

  it('reports an impossible change', () => {
    expect(
      refusal(() => {
        space.inside(() => setUpInterface(netlink, 'nosuch', SETTINGS));
      }),
    ).toMatchObject({ code: 'ENODEV' });
    expect(
      refusal(() => {
        space.inside(() => setUpInterface(netlink, 'arc', { ...SETTINGS, mtu: 67 }));
      }),
    ).toMatchObject({ code: 'EINVAL', subject: 'MTU 67' });
  });

  it('keeps what the interface already has', () => {
    space.ip('address', 'add', '10.1.2.3/24', 'dev', 'arc');
    space.ip('link', 'set', 'arc', 'mtu', '1380', 'up');
    space.ip('route', 'add', '100.127.0.0/16', 'dev', 'arc');
    const configured = setUp('100.127.0.0/16', 'fd00::/8');
    expect(wayTo('fd12::1')).toBe('arc');
    configured.undo();
    const left = space.ip('address', 'show', 'dev', 'arc');
    expect(left).toContain('10.1.2.3/24');
    expect(left).not.toContain('2001:db8::3');
    expect(wayTo('100.127.69.42')).toBe('arc');
    expect(space.ip('-6', 'route')).not.toContain('fd00::/8');
  });

  describe('without CAP_NET_ADMIN', () => {
    /** As an unprivileged user: the kernel checks the opener of the socket and the sender. */
    function asNobody(...texts: string[]) {
      return space.inside(() => {
        process.seteuid!(65_534);
        try {
          return setUpInterface(netlink, 'arc', { ...SETTINGS, routes: routes(...texts) });
        } finally {
          process.seteuid!(0);
        }
      });
    }

    it('accepts an interface that is already set up', () => {
      for (const address of ['10.1.2.3/32', '2001:db8::3/128']) {
        space.ip('address', 'add', address, 'dev', 'arc');
      }
      space.ip('link', 'set', 'arc', 'mtu', '1380', 'up');
      space.ip('route', 'add', '100.127.0.0/16', 'dev', 'arc');
      const configured = asNobody('100.127.0.0/16');
      expect(configured.fwmark).toBe(0);
      configured.undo();
      expect(wayTo('100.127.69.42')).toBe('arc');
    });

    it('reports everything that is missing, as commands', () => {
      space.ip('address', 'add', '10.1.2.3/32', 'dev', 'arc');
      space.ip('link', 'set', 'arc', 'up');
      const error = refusal(() => asNobody('100.127.0.0/16', 'fd00::/8'));
      expect(error.code).toBe('EPERM');
      expect(error.remedy.split('\n')).toEqual([
        'ip link set arc mtu 1380',
        'ip address add 2001:db8::3/128 dev arc',
        'ip route add 100.127.0.0/16 dev arc',
        'ip route add fd00::/8 dev arc',
      ]);
      for (const command of error.remedy.split('\n')) space.ip(...command.split(' ').slice(1));
      asNobody('100.127.0.0/16', 'fd00::/8');
    });

    it('lists no commands for a default route, which requires a mark', () => {
      expect(refusal(() => asNobody('0.0.0.0/0'))).toMatchObject({
        code: 'EPERM',
        remedy: '',
      });
    });
  });
});
