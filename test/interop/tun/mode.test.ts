/** `up --mode tun` against wireguard-go: the kernel's TCP/IP at both ends, our WireGuard at one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TestProcess } from '../../support/processes.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import { atLength, itInRelease } from '../../support/runner/tier.js';
import {
  CLIENT_OUTSIDE,
  INSIDE_IPV6,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [
  ...TUN_MODE,
  'curl',
  'ping',
  ...atLength({ short: [], long: ['tshark', 'nft'] as const }),
] as const;

describeWith(NEEDS, 'a tunnel with a network interface', () => {
  let server: WireGuardGoServer;

  afterEach(() => server.close());

  async function start(inside?: typeof INSIDE_IPV6): Promise<void> {
    server = new WireGuardGoServer(inside);
    await server.startWireGuard();
    await server.startHttp();
  }

  async function up(...parameters: readonly string[]): Promise<TestProcess> {
    const started = server.arctun('up', '--mode', 'tun', '--json', ...parameters);
    await started.output(/"mode":"tun"/);
    return started;
  }

  function inClient(...command: readonly string[]): string {
    const [program, ...parameters] = [...inSpace(server.clientSpace), ...command];
    return execFileSync(program, parameters, { encoding: 'utf8' });
  }

  function isGone(): boolean {
    return !inClient('ip', '-brief', 'link').includes(server.clientDevice);
  }

  function rules(): string {
    return inClient('ip', 'rule') + inClient('ip', '-6', 'rule');
  }

  it.each([
    ['IPv4', undefined],
    ['IPv6', INSIDE_IPV6],
  ])(
    'carries pings and 20 MB in each direction, %s',
    async (_name, inside) => {
      await start(inside);
      const running = await up();
      const { service } = server.inside;
      expect(inClient('ping', '-c', '3', '-i', '0.2', service)).toContain(' 0% packet loss');
      const url = `http://${service.includes(':') ? `[${service}]` : service}/`;
      const body = Buffer.alloc(20_000_000, 'a body that is sent through an interface. ');
      const upload = join(server.folder, 'upload');
      writeFileSync(upload, body);
      const post = await server.curl('-f', '--data-binary', `@${upload}`, url).finished;
      expect(post).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(post.stdout)).toEqual({
        length: body.length,
        sha256: createHash('sha256').update(body).digest('hex'),
      });
      const get = await server.curl(
        '-f',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        `${url}bytes/20000000`,
      ).finished;
      expect(get).toMatchObject({ code: 0, stdout: '20000000' });
      running.kill('SIGTERM');
      await expect(running.finished).resolves.toMatchObject({ code: 0 });
      expect(isGone()).toBe(true);
    },
    180_000,
  );

  it('leaves no interface when it is killed', async () => {
    await start();
    const running = await up();
    running.kill('SIGKILL');
    await running.finished;
    expect(isGone()).toBe(true);
    const next = await up();
    next.kill('SIGTERM');
    await expect(next.finished).resolves.toMatchObject({ code: 0 });
  }, 60_000);

  it('routes a default route without a loop, and removes its rules and those of a killed process', async () => {
    await start();
    server.writeConfig({ allowedIps: ['0.0.0.0/0'] });
    const before = rules();
    const killed = await up();
    expect(rules()).not.toBe(before);
    expect(inClient('ip', 'route', 'get', '198.51.100.1')).toContain(`dev ${server.clientDevice}`);
    expect(inClient('ip', 'route', 'get', SERVER_OUTSIDE)).not.toContain(server.clientDevice);
    const { service } = server.inside;
    const answer = await server.curl('-f', `http://${service}/bytes/1000`).finished;
    expect(answer).toMatchObject({ code: 0 });
    killed.kill('SIGKILL');
    await killed.finished;
    const next = await up();
    next.kill('SIGTERM');
    await next.finished;
    expect(rules()).toBe(before);
  }, 60_000);

  itInRelease(
    'exits when another program removes the interface, and reports it',
    async () => {
      await start();
      const running = await up();
      inClient('ip', 'link', 'delete', server.clientDevice);
      const { code, stderr } = await running.finished;
      expect(code).toBe(5);
      expect(stderr).toContain(`the network interface ${server.clientDevice} was removed`);
    },
    60_000,
  );

  itInRelease(
    'captures its traffic, outside and inside',
    async () => {
      await start();
      const file = join(server.folder, 'tunnel.pcapng');
      const running = await up('--capture', file);
      inClient('ping', '-c', '2', '-i', '0.2', server.inside.service);
      running.kill('SIGTERM');
      await running.finished;
      const counted = (filter: string) =>
        execFileSync('tshark', ['-r', file, '-Y', filter], { encoding: 'utf8', stdio: 'pipe' })
          .split('\n')
          .filter(Boolean).length;
      expect(counted('frame.interface_name == "inside" && icmp')).toBe(4);
      // Initiation, response, and at least each packet inside.
      expect(counted('frame.interface_name == "outside" && udp')).toBeGreaterThanOrEqual(6);
    },
    60_000,
  );

  it.each([
    ['IPv4', undefined, '100.127.255.9', /From 100\.127\.255\.9 icmp_seq=1 .*Host Unreachable/],
    ['IPv6', INSIDE_IPV6, 'fd00:127::9', /From fd00:127::9 icmp_seq=1 .*Address unreachable/],
  ] as const)(
    'reports packets outside every peer’s allowed IPs as unreachable at once, %s',
    async (_name, inside, stranger, answer) => {
      await start(inside);
      const running = await up();
      // The peer is removed while its addresses are still routed into the interface.
      const { service } = server.inside;
      const peer = wg('show', server.clientDevice, 'peers').trim();
      const allowed = `${service}/${service.includes(':') ? 128 : 32}`;
      wg('set', server.clientDevice, 'peer', peer, 'allowed-ips', allowed);
      expect(inClient('ping', '-c', '1', service)).toContain(' 0% packet loss');
      inClient('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter');
      const ping = await server.processes.run([
        ...inSpace(server.clientSpace),
        ...['ping', '-c', '1', '-W', '20', stranger],
      ]);
      expect(ping.stdout).toMatch(answer);
      const url = `http://${stranger.includes(':') ? `[${stranger}]` : stranger}/`;
      const curl = await server.curl('-v', url).finished;
      expect(curl.stderr).toMatch(/No route to host/);
      expect(curl.code).toBe(7);
      running.kill('SIGTERM');
      await running.finished;
    },
    60_000,
  );

  itInRelease(
    'marks handshakes, and carries ECN out and congestion marks in',
    async () => {
      await start();
      const { clientSpace, serverSpace, inside } = server;
      const type = (number: number) => `udp dport ${LISTEN_PORT} @th,64,8 ${number}`;
      const arrived = counters(serverSpace, {
        initiation: `${type(1)} ip dscp af41 ip ecn not-ect`,
        otherInitiation: `${type(1)} ip dscp != af41`,
        data: `${type(4)} ip dscp cs0 ip ecn not-ect`,
        dataWithEcn: `${type(4)} ip dscp cs0 ip ecn ect0`,
        otherData: `${type(4)} ip dscp != cs0`,
      });
      const inner = counters(clientSpace, {
        congestion: `iifname ${server.clientDevice} icmp type echo-reply ip ecn ce`,
      });
      const running = await up();
      // TOS 0xb8 is EF, 2 is ECT(0); the kernel copies the octet of the request to its answer.
      const ping = (octet: number) =>
        server.processes.run([
          ...inSpace(clientSpace),
          ...['ping', '-c', '1', '-W', '1', '-Q', String(octet), inside.service],
        ]);
      expect((await ping(0xb8 | 2)).stdout).toContain(' 0% packet loss');
      expect((await ping(0xb8)).stdout).toContain(' 0% packet loss');
      // A keepalive may be among the data.
      expect(arrived()).toMatchObject({
        initiation: 1,
        otherInitiation: 0,
        dataWithEcn: 1,
        otherData: 0,
      });
      expect(arrived().data).toBeGreaterThanOrEqual(1);
      // wireguard-go marks nothing: a router on the path does.
      nft(
        serverSpace,
        'add table ip congestion',
        'add chain ip congestion out { type filter hook output priority 0; }',
        `add rule ip congestion out udp sport ${LISTEN_PORT} ip ecn set ce`,
      );
      expect(inner()).toEqual({ congestion: 0 });
      // The kernel accepts no packet whose header has a wrong checksum.
      expect((await ping(2)).stdout).toContain(' 0% packet loss');
      expect(inner()).toEqual({ congestion: 1 });
      // A packet that cannot be marked is dropped: RFC 6040 4.2.
      expect((await ping(0)).stdout).toContain('100% packet loss');
      running.kill('SIGTERM');
      await running.finished;
    },
    60_000,
  );

  itInRelease(
    'answers from the address that the server uses, until that stops working (row 30; witness wireguard-go)',
    async () => {
      await start();
      const { clientSpace, serverSpace, device } = server;
      const second = '192.0.2.3';
      const link = inClient('ip', '-brief', 'link', 'show', 'type', 'veth').split('@')[0]!;
      inClient('ip', 'address', 'add', `${second}/24`, 'dev', link);
      const running = await up();
      const inServer = (...command: readonly string[]) =>
        execFileSync('ip', ['netns', 'exec', serverSpace, ...command], { encoding: 'utf8' });
      const peer = () => inServer('wg', 'show', device, 'endpoints').trim().split('\t');
      const [key, endpoint] = peer() as [string, string];
      const [address, port] = endpoint.split(':');
      expect(address).toBe(CLIENT_OUTSIDE);
      // The server sends to the other address: the answer and later packets come from there, too.
      inServer('wg', 'set', device, 'peer', key, 'endpoint', `${second}:${port}`);
      inServer('ping', '-c', '1', server.inside.client);
      inClient('ping', '-c', '1', server.inside.service);
      expect(peer()[1]).toBe(`${second}:${port}`);
      // Nothing gets through there any more: after 15 s the system chooses.
      for (const [space, side] of [
        [clientSpace, 'daddr'],
        [serverSpace, 'saddr'],
      ] as const) {
        nft(
          space,
          'add table ip broken',
          'add chain ip broken in { type filter hook input priority 0; }',
          `add rule ip broken in ip ${side} ${second} udp length > 0 drop`,
        );
      }
      const ping = server.processes.start([
        ...inSpace(clientSpace),
        ...['ping', '-c', '1', '-w', '60', server.inside.service],
      ]);
      expect((await ping.finished).code).toBe(0);
      expect(peer()[1]).toBe(`${CLIENT_OUTSIDE}:${port}`);
      running.kill('SIGTERM');
      await running.finished;
    },
    120_000,
  );

  itInRelease(
    'refuses a name that is in use, and explains what to do',
    async () => {
      await start();
      const running = await up();
      const second = await server.arctun('up', '--mode', 'tun', '--force').finished;
      expect(second.code).toBe(1);
      expect(second.stderr).toContain('an interface with this name already exists');
      expect(second.stderr).toContain('Stop any tunnel that is using this interface');
      running.kill('SIGTERM');
      await running.finished;
    },
    60_000,
  );

  itInRelease(
    'refuses to replace the route of another program',
    async () => {
      await start();
      inClient('ip', 'route', 'add', server.inside.allowedIps, 'dev', 'lo');
      const refused = await server.arctun('up', '--mode', 'tun').finished;
      expect(refused.code).toBe(5);
      expect(refused.stderr).toContain(`route ${server.inside.allowedIps}`);
      expect(isGone()).toBe(true);
    },
    60_000,
  );
});

/** The tools of WireGuard, which find every tunnel by its name. */
function wg(...parameters: readonly string[]): string {
  return execFileSync('wg', parameters, { encoding: 'utf8' });
}

function nft(space: string, ...commands: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', space, 'nft', commands.join('; ')], {
    encoding: 'utf8',
  });
}

/** Counts the incoming packets that match; the function returns the count. */
function counters<Name extends string>(
  space: string,
  matches: Record<Name, string>,
): () => Record<Name, number> {
  const table = 'ip watched';
  nft(space, `add table ${table}`, `add chain ${table} in { type filter hook input priority 0; }`);
  for (const [name, match] of Object.entries(matches)) {
    nft(
      space,
      `add counter ${table} ${name}`,
      `add rule ${table} in ${match as string} counter name ${name}`,
    );
  }
  return () => {
    const listing = nft(space, `list counters table ${table}`);
    const counted = [...listing.matchAll(/counter (\w+) \{\s*packets (\d+)/g)];
    return Object.fromEntries(counted.map(([, name, count]) => [name, Number(count)])) as Record<
      Name,
      number
    >;
  };
}
