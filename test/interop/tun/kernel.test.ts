/**
 * `up --mode kernel` in a machine with Debian's kernel, against wireguard-go: what tun mode does,
 * with the kernel's WireGuard. The witnesses in the machine are `wg` and busybox's `ip`.
 */
import { KERNEL_LAB, KernelLab, SLOW } from '../../support/kernel-peer/kernel-lab.js';
import { itInRelease } from '../../support/runner/tier.js';
import { describeWith } from '../../support/runner/requirements.js';

const DEFAULT = { allowedIps: ['100.127.0.0/16', '0.0.0.0/0'] };

interface ShownTunnel {
  readonly mode: string;
  readonly peers: readonly { readonly receivedBytes: number }[];
}

describeWith(KERNEL_LAB, "a tunnel with the kernel's WireGuard", () => {
  let lab: KernelLab;

  beforeAll(async () => {
    lab = await KernelLab.start();
  }, SLOW);
  afterEach(() => lab.clean(), SLOW);
  afterAll(() => lab.close());

  it(
    'leaves interface, address, routes and rules as wg-quick does, and removes them',
    async () => {
      await lab.configure({});
      await lab.up();
      await lab.ping();
      expect(await lab.run('wg show arc0 allowed-ips')).toContain('100.127.0.0/16');
      expect(await lab.run('wg show arc0 persistent-keepalive')).toMatch(/\t60$/m);
      expect(await lab.run('ip address show arc0')).toMatch(
        /UP.* mtu 1420 .*inet 10\.77\.0\.2\/32/s,
      );
      expect(await lab.run('ip route')).toContain('100.127.0.0/16 dev arc0 scope link');
      const receivedBefore = await lab.receivedBytes();
      const shown = await lab.until('arctun status --json --config /tmp/arc.json');
      const [{ mode, peers }] = JSON.parse(shown) as [ShownTunnel];
      expect(mode).toBe('kernel');
      expect(peers[0]!.receivedBytes).toBeGreaterThanOrEqual(receivedBefore);
      expect(peers[0]!.receivedBytes).toBeLessThanOrEqual(await lab.receivedBytes());
      await lab.until('arctun health --config /tmp/arc.json');
      await lab.stop();
    },
    SLOW,
  );

  itInRelease(
    'carries 5 MB in each direction',
    async () => {
      await lab.configure({});
      await lab.up();
      const url = `http://${lab.server.inside.service}`;
      const count = 'wc -c </tmp/body';
      await lab.run('yes some text | head -c 5000000 >/tmp/sent');
      await lab.run(`wget -O /tmp/body ${url}/bytes/5000000`);
      expect(Number(await lab.run(count))).toBe(5_000_000);
      await lab.run(`wget -O /tmp/body --post-file /tmp/sent ${url}/`);
      expect(await lab.run('cat /tmp/body')).toContain('"length":5000000');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'routes a default route without a loop, and removes its rules',
    async () => {
      await lab.configure(DEFAULT);
      await lab.up();
      expect(await lab.run('wg show arc0 fwmark')).toBe('0x2b02\n');
      expect(await lab.run('ip route get 198.51.100.1')).toContain('dev arc0');
      // The mark keeps the tunnel's own datagrams out of the tunnel.
      expect(await lab.run('ip rule')).toMatch(/lookup main suppress_prefixlength 0/);
      await lab.ping();
      await lab.stop();
    },
    SLOW,
  );

  itInRelease(
    'runs the commands of arc.json with the name of the interface',
    async () => {
      const hook = (name: string) => [['sh', '-c', `echo ${name} %i >>/tmp/hooks`]];
      await lab.configure({}, { postUp: hook('up'), postDown: hook('down') });
      await lab.up();
      await lab.stop();
      expect(await lab.run('cat /tmp/hooks')).toBe('up arc0\ndown arc0\n');
    },
    SLOW,
  );

  itInRelease(
    'applies another configuration at SIGHUP, and keeps the session',
    async () => {
      await lab.configure({});
      await lab.up();
      await lab.ping();
      const received = await lab.receivedBytes();
      expect(received).toBeGreaterThan(0);
      await lab.configure({ allowedIps: ['100.127.0.0/16', '100.64.0.0/10'] });
      await lab.run(
        'killall -HUP node; until ip route | grep -q "100.64.0.0/10 dev arc0"; do sleep 0.2; done',
      );
      expect(await lab.run('wg show arc0 allowed-ips')).toContain('100.64.0.0/10');
      // A new peer's counters would start at 0.
      expect(await lab.receivedBytes()).toBeGreaterThanOrEqual(received);
      expect(await lab.run('cat /tmp/up.log')).not.toContain('starting a new handshake');
      await lab.ping();
      await lab.stop();
    },
    SLOW,
  );

  itInRelease(
    'sets 2,500 allowed IPs',
    async () => {
      const prefix = (number: number) => `100.64.${number >> 8}.${number & 255}/32`;
      const many = Array.from({ length: 2_500 }, (_, number) => prefix(number));
      await lab.configure({ allowedIps: ['100.127.0.0/16', ...many] });
      await lab.up();
      expect(await lab.run('wg show arc0 allowed-ips | wc -w')).toBe('2502\n');
      await lab.until('arctun status --config /tmp/arc.json');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'leaves a working interface at SIGKILL, which the next process replaces and removes',
    async () => {
      await lab.configure({});
      await lab.up();
      await lab.kill();
      await lab.ping();
      await lab.up();
      await lab.ping();
      await lab.stop();
    },
    SLOW,
  );

  itInRelease(
    'replaces an interface that was left before it had a key',
    async () => {
      await lab.configure({}, { preUp: [['tail', '-f', '/dev/null']] });
      await lab.run(`rm -f /tmp/up.*
        (arctun up --mode kernel --config /tmp/arc.json >/tmp/up.log 2>&1; echo $? >/tmp/up.code) &
        until pidof tail; do sleep 0.2; done; ip link show arc0; killall -KILL node; killall tail`);
      await lab.ended();
      await lab.configure({});
      await lab.up();
      await lab.stop();
    },
    SLOW,
  );

  itInRelease(
    "does not replace another program's interface",
    async () => {
      await lab.configure({});
      await lab.run('ip link add arc0 type wireguard');
      await expect(lab.up()).rejects.toThrow('an interface with this name already exists');
      expect(await lab.ended()).toMatchObject({ code: 1 });
      await lab.run('wg show arc0; ip link delete arc0');
    },
    SLOW,
  );

  itInRelease(
    'exits when another program removes the interface, and reports it',
    async () => {
      await lab.configure(DEFAULT);
      await lab.up();
      await lab.run('ip link delete arc0');
      const { code, log } = await lab.ended();
      expect(code).toBe(5);
      expect(log).toContain('the network interface arc0 was removed');
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  itInRelease(
    'ends with the reason if the server does not answer, and leaves nothing',
    async () => {
      lab.server.wire?.addPort(9);
      await lab.configure({ endpoint: '192.0.2.1:9' });
      await expect(lab.up('--wait', '8')).rejects.toThrow('192.0.2.1:9 has not answered');
      expect(await lab.ended()).toMatchObject({ code: 5 });
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  itInRelease(
    'says what to do if the kernel does not support WireGuard',
    async () => {
      await lab.configure({});
      await lab.run('rmmod wireguard');
      await expect(lab.up()).rejects.toThrow('sudo modprobe wireguard');
      expect(await lab.ended()).toMatchObject({ code: 1 });
      await lab.expectNothingLeft();
    },
    SLOW,
  );
});
