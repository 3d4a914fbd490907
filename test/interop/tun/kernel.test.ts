/**
 * `up --mode kernel` in a machine with Debian's kernel, against wireguard-go: what tun mode does,
 * with the kernel's WireGuard. The witnesses in the machine are `wg` and busybox's `ip`.
 */
import { readFileSync } from 'node:fs';

import { bootArctunMachine } from '../../support/kernel-peer/arctun-machine.js';
import type { KernelMachine } from '../../support/kernel-peer/machine.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import { WireGuardGoServer } from '../../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'qemu-system-x86_64', 'kernel-peer'] as const;

/** The machine emulates its processor, so Node.js takes seconds to start. */
const SLOW = 240_000;

const NETWORK =
  'ip link | cut -d " " -f 2; ip address | grep inet | grep -v fe80; ip route; ip rule';
const DEFAULT = { allowedIps: ['100.127.0.0/16', '0.0.0.0/0'] };

interface ShownTunnel {
  readonly mode: string;
  readonly peers: readonly { readonly receivedBytes: number; readonly sentBytes: number }[];
}

describeWith(NEEDS, "a tunnel with the kernel's WireGuard", () => {
  let server: WireGuardGoServer;
  let machine: KernelMachine;
  let before: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    machine = await bootArctunMachine(server);
    before = await run(NETWORK);
  }, 300_000);
  afterEach(async () => {
    // Nothing must run after a failed test.
    await run('killall -KILL node; ip link delete arc0; rm -f /tmp/hooks; true');
  });
  afterAll(() => server.close());

  function run(command: string): Promise<string> {
    return machine.run(command, SLOW);
  }

  async function configure(
    change: Parameters<typeof server.writeConfig>[0],
    members: object = {},
  ): Promise<void> {
    server.writeConfig(change);
    const config = JSON.parse(readFileSync(server.configPath, 'utf8')) as object;
    const bytes = Buffer.from(JSON.stringify({ ...config, interface: 'arc0', ...members }));
    await run(
      `echo ${bytes.toString('base64')} | base64 -d >/tmp/arc.json; chmod 600 /tmp/arc.json`,
    );
  }

  /** Starts `up`, and waits until the tunnel is open. */
  async function up(...flags: readonly string[]): Promise<void> {
    const command = `arctun up --mode kernel --json --config /tmp/arc.json ${flags.join(' ')}`;
    await run(`rm -f /tmp/up.*
      (${command} >/tmp/up.log 2>&1; echo $? >/tmp/up.code) &
      until grep -q '"mode":"kernel"' /tmp/up.log; do
        if [ -f /tmp/up.code ]; then cat /tmp/up.log; exit 1; fi
        sleep 0.2
      done`);
  }

  /** Waits until `up` exits. */
  async function ended(): Promise<{ readonly code: number; readonly log: string }> {
    await run('until [ -f /tmp/up.code ]; do sleep 0.2; done');
    return { code: Number(await run('cat /tmp/up.code')), log: await run('cat /tmp/up.log') };
  }

  async function stop(): Promise<void> {
    await run('killall -TERM node');
    expect(await ended()).toMatchObject({ code: 0 });
    expect(await run(NETWORK)).toBe(before);
  }

  function ping(count = 3): Promise<string> {
    return run(`ping -c ${count} -W 5 ${server.inside.service}`);
  }

  it(
    'leaves interface, address, routes and rules as wg-quick does, and removes them',
    async () => {
      await configure({});
      await up();
      expect(await ping()).toContain(' 0% packet loss');
      expect(await run('wg show arc0 allowed-ips')).toContain('100.127.0.0/16');
      expect(await run('wg show arc0 persistent-keepalive')).toMatch(/\t60$/m);
      expect(await run('ip address show arc0')).toMatch(/UP.* mtu 1420 .*inet 10\.77\.0\.2\/32/s);
      expect(await run('ip route')).toContain('100.127.0.0/16 dev arc0 scope link');
      const transfer = async () =>
        (await run('wg show arc0 transfer')).trim().split('\t').slice(1).map(Number);
      const [receivedBefore = NaN, sentBefore = NaN] = await transfer();
      const shown = await run('arctun status --json --config /tmp/arc.json');
      const [{ mode, peers }] = JSON.parse(shown) as [ShownTunnel];
      const [receivedAfter = NaN, sentAfter = NaN] = await transfer();
      expect(mode).toBe('kernel');
      expect(peers[0]!.receivedBytes).toBeGreaterThanOrEqual(receivedBefore);
      expect(peers[0]!.receivedBytes).toBeLessThanOrEqual(receivedAfter);
      expect(peers[0]!.sentBytes).toBeGreaterThanOrEqual(sentBefore);
      expect(peers[0]!.sentBytes).toBeLessThanOrEqual(sentAfter);
      await run('arctun health --config /tmp/arc.json');
      await stop();
    },
    SLOW,
  );

  it(
    'carries 5 MB in each direction',
    async () => {
      await configure({});
      await up();
      const url = `http://${server.inside.service}`;
      const count = 'wc -c </tmp/body';
      await run('yes some text | head -c 5000000 >/tmp/sent');
      await run(`wget -O /tmp/body ${url}/bytes/5000000`);
      expect(Number(await run(count))).toBe(5_000_000);
      await run(`wget -O /tmp/body --post-file /tmp/sent ${url}/`);
      expect(await run('cat /tmp/body')).toContain('"length":5000000');
      await stop();
    },
    SLOW,
  );

  it(
    'routes a default route without a loop, and removes its rules',
    async () => {
      await configure(DEFAULT);
      await up();
      expect(await run('wg show arc0 fwmark')).toBe('0x2b02\n');
      expect(await run('ip route get 198.51.100.1')).toContain('dev arc0');
      // The mark keeps the tunnel's own datagrams out of the tunnel.
      expect(await run('ip rule')).toMatch(/lookup main suppress_prefixlength 0/);
      expect(await ping()).toContain(' 0% packet loss');
      await stop();
    },
    SLOW,
  );

  it(
    'runs the commands of arc.json with the name of the interface',
    async () => {
      const hook = (name: string) => [['sh', '-c', `echo ${name} %i >>/tmp/hooks`]];
      await configure({}, { postUp: hook('up'), postDown: hook('down') });
      await up();
      await stop();
      expect(await run('cat /tmp/hooks')).toBe('up arc0\ndown arc0\n');
    },
    SLOW,
  );

  it(
    'applies another configuration at SIGHUP, and keeps the session',
    async () => {
      await configure({});
      await up();
      await ping();
      const handshake = await run('wg show arc0 latest-handshakes');
      await configure({ allowedIps: ['100.127.0.0/16', '100.64.0.0/10'] });
      await run(
        'killall -HUP node; until ip route | grep -q "100.64.0.0/10 dev arc0"; do sleep 0.2; done',
      );
      expect(await run('wg show arc0 allowed-ips')).toContain('100.64.0.0/10');
      expect(await run('wg show arc0 latest-handshakes')).toBe(handshake);
      expect(await ping()).toContain(' 0% packet loss');
      await stop();
    },
    SLOW,
  );

  it(
    'sets 2,500 allowed IPs',
    async () => {
      const prefix = (number: number) => `100.64.${number >> 8}.${number & 255}/32`;
      const many = Array.from({ length: 2_500 }, (_, number) => prefix(number));
      await configure({ allowedIps: ['100.127.0.0/16', ...many] });
      await up();
      expect(await run('wg show arc0 allowed-ips | wc -w')).toBe('2502\n');
      await run('arctun status --config /tmp/arc.json');
      await stop();
    },
    SLOW,
  );

  it(
    'leaves a working interface at SIGKILL, which the next process replaces and removes',
    async () => {
      await configure({});
      await up();
      await run('killall -KILL node');
      await ended();
      expect(await ping()).toContain(' 0% packet loss');
      await up();
      expect(await ping()).toContain(' 0% packet loss');
      await stop();
    },
    SLOW,
  );

  it(
    'replaces an interface that was left before it had a key',
    async () => {
      await configure({}, { preUp: [['tail', '-f', '/dev/null']] });
      await run(`rm -f /tmp/up.*
        (arctun up --mode kernel --config /tmp/arc.json >/tmp/up.log 2>&1; echo $? >/tmp/up.code) &
        until pidof tail; do sleep 0.2; done; ip link show arc0; killall -KILL node; killall tail`);
      await ended();
      await configure({});
      await up();
      await stop();
    },
    SLOW,
  );

  it(
    "does not replace another program's interface",
    async () => {
      await configure({});
      await run('ip link add arc0 type wireguard');
      await expect(up()).rejects.toThrow('an interface with this name already exists');
      expect(await ended()).toMatchObject({ code: 1 });
      await run('wg show arc0; ip link delete arc0');
    },
    SLOW,
  );

  it(
    'exits when another program removes the interface, and reports it',
    async () => {
      await configure(DEFAULT);
      await up();
      await run('ip link delete arc0');
      const { code, log } = await ended();
      expect(code).toBe(5);
      expect(log).toContain('the network interface arc0 was removed');
      expect(await run(NETWORK)).toBe(before);
    },
    SLOW,
  );

  it(
    'ends with the reason if the server does not answer, and leaves nothing',
    async () => {
      await configure({ endpoint: '192.0.2.1:9' });
      await expect(up('--wait', '8')).rejects.toThrow('192.0.2.1:9 has not answered');
      expect(await ended()).toMatchObject({ code: 5 });
      expect(await run(NETWORK)).toBe(before);
    },
    SLOW,
  );

  it(
    'says what to do if the kernel does not support WireGuard',
    async () => {
      await configure({});
      await run('rmmod wireguard');
      await expect(up()).rejects.toThrow('sudo modprobe wireguard');
      expect(await ended()).toMatchObject({ code: 1 });
      expect(await run(NETWORK)).toBe(before);
    },
    SLOW,
  );
});
