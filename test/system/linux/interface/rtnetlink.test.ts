import { constants } from 'node:os';

import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import { NetlinkError } from '../../../../src/system/linux/interface/netlink-socket.js';
import { Rtnetlink } from '../../../../src/system/linux/interface/rtnetlink.js';
import { formatIpAddress, parseIpAddress, parseIpPrefix } from '../../../../src/wire/ip-address.js';
import { NetworkNamespace } from '../../../support/foreign/network-namespace.js';
import { describeWith } from '../../../support/runner/requirements.js';
import { WatchedLibc } from '../../../support/watched-libc.js';

const prefix = (text: string) => parseIpPrefix(text)!;

// A busy machine is slow to start processes.
// iproute2 reads back the changes.
describeWith(['linux', 'koffi', 'root', 'tun', 'ip'], 'rtnetlink', () => {
  let libc: WatchedLibc;
  let space: NetworkNamespace;
  let netlink: Rtnetlink;
  let index: number;

  beforeAll(async () => {
    libc = new WatchedLibc((await loadLibc()) as Libc);
  });
  beforeEach(() => {
    space = new NetworkNamespace(libc);
    space.ip('tuntap', 'add', 'arc', 'mode', 'tun');
    netlink = space.inside(() => new Rtnetlink(libc));
    index = space.inside(() => netlink.interfaceIndex('arc'))!;
  });
  afterEach(() => {
    netlink.close();
    space.close();
  });

  function refusal(act: () => void): NetlinkError {
    try {
      act();
    } catch (error) {
      if (error instanceof NetlinkError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  it('finds an interface by its name', () => {
    expect(space.ip('link', 'show', 'dev', 'arc')).toMatch(new RegExp(`^${index}: arc:`));
    expect(space.inside(() => netlink.interfaceIndex('nosuch'))).toBeUndefined();
  });

  it('lists the interfaces with their kinds and aliases', () => {
    netlink.setAlias(index, 'arctun KEY=');
    const links = netlink.listLinks();
    expect(links).toHaveLength(2);
    expect(links[0]).toMatchObject({ index: 1, name: 'lo', kind: undefined, alias: undefined });
    expect(links[1]).toMatchObject({ index, name: 'arc', kind: 'tun', alias: 'arctun KEY=' });
  });

  it('sets an interface up, with MTU and addresses', () => {
    netlink.setMtu(index, 1420);
    netlink.addAddress(index, prefix('10.1.2.3/32'));
    netlink.addAddress(index, prefix('2001:db8::1/128'));
    netlink.setUp(index);
    const shown = space.ip('address', 'show', 'dev', 'arc');
    expect(shown).toMatch(/[<,]UP[,>].* mtu 1420 /);
    expect(shown).toContain('inet 10.1.2.3/32 scope global arc');
    expect(shown).toContain('inet6 2001:db8::1/128 scope global');
  });

  it('adds and deletes routes', () => {
    netlink.setUp(index);
    const main = { destination: prefix('10.0.0.0/8'), interfaceIndex: index };
    const all = { destination: prefix('::/0'), interfaceIndex: index, table: 51820, metric: 7 };
    netlink.addRoute(main);
    netlink.addRoute(all);
    expect(space.ip('route', 'show')).toMatch(/^10.0.0.0\/8 dev arc scope link/);
    expect(space.ip('-6', 'route', 'show', 'table', '51820')).toMatch(/^default dev arc metric 7 /);
    expect(refusal(() => netlink.addRoute(main)).code).toBe('EEXIST');
    netlink.deleteRoute(main);
    netlink.deleteRoute(all);
    expect(space.ip('route', 'show')).toBe('');
    expect(space.ip('-6', 'route', 'show', 'table', 'all')).not.toContain('51820');
    expect(refusal(() => netlink.deleteRoute(main)).code).toBe('ESRCH');
  });

  it('finds the interface of a route by the mark of the datagrams, or reports why none exists', () => {
    netlink.setUp(index);
    space.ip('tuntap', 'add', 'other', 'mode', 'tun');
    space.ip('link', 'set', 'other', 'up');
    space.ip('route', 'add', '192.0.2.0/24', 'dev', 'arc');
    space.ip('route', 'add', '192.0.2.0/24', 'dev', 'other', 'table', '77');
    space.ip('rule', 'add', 'fwmark', '7', 'table', '77');
    space.ip('-6', 'route', 'add', '2001:db8::/64', 'dev', 'arc');
    space.ip('route', 'add', 'unreachable', '198.51.100.0/24');
    space.ip('-6', 'route', 'add', 'unreachable', '2001:db8:1::/64');
    const other = space.inside(() => netlink.interfaceIndex('other'));
    const routeTo = (text: string, mark = 0) => netlink.routeTo(parseIpAddress(text)!, mark);
    expect(routeTo('192.0.2.1')).toBe(index);
    expect(routeTo('192.0.2.1', 7)).toBe(other);
    expect(routeTo('2001:db8::1')).toBe(index);
    expect(refusal(() => routeTo('203.0.113.1')).code).toBe('ENETUNREACH');
    expect(refusal(() => routeTo('2001:db8:2::1')).code).toBe('ENETUNREACH');
    expect(refusal(() => routeTo('198.51.100.1')).code).toBe('EHOSTUNREACH');
    expect(refusal(() => routeTo('2001:db8:1::1')).code).toBe('EHOSTUNREACH');
  });

  it('lists the routes of all tables, however many there are', () => {
    netlink.setUp(index);
    space.ip('address', 'add', '192.0.2.2/24', 'dev', 'arc');
    space.ip('route', 'add', 'default', 'via', '192.0.2.1', 'metric', '9');
    space.ip('route', 'add', 'blackhole', '198.51.100.0/24');
    // More than one message holds.
    for (let third = 0; third < 250; third++) {
      for (let fourth = 0; fourth < 4; fourth++) {
        const destination = { address: Uint8Array.of(10, 9, third, fourth), prefixLength: 32 };
        netlink.addRoute({ destination, interfaceIndex: index, table: 77, metric: fourth });
      }
    }
    const routes = netlink.listRoutes(4).map((route) => ({
      ...route,
      destination: `${formatIpAddress(route.destination.address)}/${route.destination.prefixLength}`,
      gateway: route.gateway && formatIpAddress(route.gateway),
    }));
    expect(routes.filter(({ table }) => table === 77)).toHaveLength(1000);
    expect(routes).toContainEqual({
      destination: '10.9.249.3/32',
      interfaceIndex: index,
      gateway: undefined,
      table: 77,
      metric: 3,
      protocol: 3,
      isUnreachable: false,
    });
    expect(routes).toContainEqual({
      destination: '0.0.0.0/0',
      interfaceIndex: index,
      gateway: '192.0.2.1',
      table: 254,
      metric: 9,
      protocol: 3,
      isUnreachable: false,
    });
    expect(routes).toContainEqual({
      destination: '198.51.100.0/24',
      interfaceIndex: undefined,
      gateway: undefined,
      table: 254,
      metric: 0,
      protocol: 3,
      isUnreachable: false,
    });
    expect(
      netlink.listRoutes(6).every(({ destination }) => destination.address.length === 16),
    ).toBe(true);
  });

  it.each([
    [4, ''],
    [6, '-6'],
  ] as const)('adds and deletes rules of IPv%s', (family, flag) => {
    const show = () => space.ip(...(flag === '' ? [] : [flag]), 'rule', 'show');
    const before = show();
    const marked = { family, fwmark: 0xca6c, isInverted: true, table: 51820 };
    const main = { family, table: 254, suppressPrefixLength: 0, priority: 50 };
    netlink.addRule(marked);
    netlink.addRule(main);
    expect(show()).toMatch(/^50:\tfrom all lookup main suppress_prefixlength 0$/m);
    expect(show()).toMatch(/^32765:\tnot from all fwmark 0xca6c lookup 51820$/m);
    netlink.deleteRule(marked);
    netlink.deleteRule(main);
    expect(show()).toBe(before);
    expect(refusal(() => netlink.deleteRule(marked)).code).toBe('ENOENT');
  });

  it('reports the kernel’s messages', () => {
    // The interface is down.
    const route = { destination: prefix('10.0.0.0/8'), interfaceIndex: index };
    const { message, detail, syscall } = refusal(() => netlink.addRoute(route));
    expect(syscall).toBe('rtnetlink route add');
    expect(detail).toMatch(/^[A-Z][\w ]+$/);
    expect(message).toBe(`rtnetlink route add: ENETDOWN (${detail})`);
    // If the kernel has no message for the error.
    libc.refuse = (call) => (call === 'setsockopt' ? constants.errno.ENOPROTOOPT : 0);
    const terse = space.inside(() => new Rtnetlink(libc));
    libc.refuse = () => 0;
    expect(refusal(() => terse.addRoute(route)).message).toBe('rtnetlink route add: ENETDOWN');
    terse.close();
  });
});
