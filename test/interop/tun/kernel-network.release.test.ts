/**
 * `up --mode kernel` while the network, the server or the session changes, in a machine with Debian's
 * kernel, against wireguard-go.
 */
import {
  INTERFACE,
  KERNEL_LAB,
  KernelLab,
  SERVER_NAME,
  SLOW,
} from '../../support/kernel-peer/kernel-lab.js';
import { describeWith } from '../../support/runner/requirements.js';
import {
  INSIDE_IPV6,
  LISTEN_PORT,
  SERVER_OUTSIDE,
} from '../../support/foreign/wireguard-go-server.js';
import {
  GATEWAY,
  MACHINE_IPV6,
  NETWORK,
  GATEWAY_IPV6,
  MACHINE,
  TAP,
} from '../../support/kernel-peer/arctun-machine.js';

const MOVED = '192.0.3.99';
const NAMED = { endpoint: `${SERVER_NAME}:${LISTEN_PORT}` };

describeWith(KERNEL_LAB, "the kernel's WireGuard, while the network changes", () => {
  let lab: KernelLab;

  beforeAll(async () => {
    lab = await KernelLab.start();
  }, SLOW);
  afterEach(() => lab.clean(), SLOW);
  afterAll(() => lab.close());

  const endpoint = () => lab.run(`wg show ${INTERFACE} endpoints | cut -f 2`);
  const log = () => lab.run('cat /tmp/up.log');

  /** Replaces the server's address on the machine's network during a test. */
  async function whileMoved(test: () => Promise<void>): Promise<void> {
    const change = (action: string, address: string) =>
      lab.onServer('ip', 'address', action, `${address}/24`, 'dev', TAP);
    // Otherwise, Linux removes the other addresses of the network with the first one.
    lab.onServer('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries');
    lab.server.wire?.addServer(MOVED);
    change('add', MOVED);
    change('delete', GATEWAY);
    try {
      await test();
    } finally {
      change('add', GATEWAY);
      change('delete', MOVED);
    }
  }

  /** Sends pings until the tunnel is stopped. */
  async function keepPinging(): Promise<void> {
    await lab.run(`(ping ${lab.server.inside.service} >/dev/null 2>&1) &`);
  }

  it(
    'without keepalives, reports a lost route and its return',
    async () => {
      await lab.configure({});
      await lab.upWithPages('--persistent-keepalive', '0');
      await lab.untilReadiness('200 OK');
      await lab.run(`ip route delete default; ip route delete ${NETWORK}`);
      await lab.untilReadiness('ENETUNREACH');
      expect(await log()).toContain('cannot send to the Arc server');
      await lab.ip(`route add ${NETWORK} dev eth0 proto kernel scope link src ${MACHINE}`);
      await lab.ip(`route add default via ${GATEWAY}`);
      await lab.untilReadiness('200 OK');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'does not try an address without a route',
    async () => {
      await lab.setHosts('2001:db8::1', SERVER_OUTSIDE);
      await lab.configure(NAMED);
      await lab.up('--log-level', 'debug');
      expect(await log()).toContain(`${SERVER_OUTSIDE}:${LISTEN_PORT}`);
      expect(await log()).not.toContain('[2001:db8::1]');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'reports a route to the server that leads into the tunnel',
    async () => {
      await lab.configure({ allowedIps: ['100.127.0.0/16', '192.0.2.0/24'] });
      await lab.begin('kernel', '--wait', '1');
      const { code, log: output } = await lab.ended();
      expect(code).toBe(5);
      expect(output).toContain(`route to ${SERVER_OUTSIDE} through ${INTERFACE}: ELOOP`);
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it(
    'distinguishes a server that answers only handshakes from one that answers nothing',
    async () => {
      await lab.configure({});
      await lab.upWithPages();
      await keepPinging();
      // Type 4 is data.
      lab.onServer('nft', 'add table inet mute');
      lab.onServer('nft', 'add chain inet mute out { type filter hook output priority 0; }');
      lab.onServer('nft', `add rule inet mute out udp sport ${LISTEN_PORT} @th,64,8 4 drop`);
      await lab.untilReadiness('completes the handshake, but does not answer data packets');
      lab.onServer('nft', 'flush chain inet mute out');
      await lab.untilReadiness('200 OK');
      lab.onServer('nft', `add rule inet mute out udp sport ${LISTEN_PORT} drop`);
      await lab.untilReadiness('not answered');
      lab.onServer('nft', 'delete table inet mute');
      await lab.untilReadiness('200 OK');
      await lab.stop();
    },
    SLOW,
  );

  it(
    'follows a server that answers from another address',
    async () => {
      await lab.configure({ endpoint: `${GATEWAY}:${LISTEN_PORT}` });
      await lab.up();
      await whileMoved(async () => {
        // The client learns the address from a packet of the server.
        lab.onServer('ping', '-c', '1', '-w', '120', lab.server.inside.client);
        await lab.until(`wg show ${INTERFACE} endpoints | grep -F ${MOVED}`);
        const shown = await lab.until('arctun status --json --config /tmp/arc.json');
        expect(shown).toContain(`${MOVED}:${LISTEN_PORT}`);
      });
      await lab.stop();
    },
    SLOW,
  );

  it(
    'resolves the name again after a silence, and uses the new address',
    async () => {
      await lab.setHosts(GATEWAY);
      await lab.configure(NAMED);
      await lab.upWithPages();
      await whileMoved(async () => {
        await lab.setHosts(MOVED);
        await keepPinging();
        await lab.until(`wg show ${INTERFACE} endpoints | grep -F ${MOVED}`);
        await lab.untilReadiness('200 OK');
      });
      await lab.stop();
    },
    SLOW,
  );

  it(
    'uses IPv6 outside and inside the tunnel',
    async () => {
      const { service, client, allowedIps } = INSIDE_IPV6;
      lab.onServer('ip', 'address', 'add', `${GATEWAY_IPV6}/64`, 'dev', TAP, 'nodad');
      lab.server.addInside(INSIDE_IPV6);
      await lab.run(`ip address add ${MACHINE_IPV6}/64 dev eth0`);
      await lab.until('! ip address show eth0 | grep tentative');
      await lab.configure({
        // Not the canonical form.
        endpoint: `[${GATEWAY_IPV6.toUpperCase()}]:${LISTEN_PORT}`,
        allowedIps: [allowedIps],
        client,
      });
      await lab.up();
      expect(await endpoint()).toBe(`[${GATEWAY_IPV6}]:${LISTEN_PORT}\n`);
      await lab.ping(service);
      expect(await lab.run(`ip -6 route show dev ${INTERFACE}`)).toContain('fd00:127::/32');
      const shown = await lab.until('arctun status --json --config /tmp/arc.json');
      expect(shown).toContain(`[${GATEWAY_IPV6}]:${LISTEN_PORT}`);
      await lab.run('killall -TERM node');
      expect(await lab.ended()).toMatchObject({ code: 0 });
      await lab.run(`ip address delete ${MACHINE_IPV6}/64 dev eth0`);
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it(
    'shows the counters of the kernel in its metrics',
    async () => {
      await lab.configure({});
      await lab.upWithPages();
      await lab.ping();
      expect(await lab.metric('arctun_up')).toBe(1);
      const before = await lab.receivedBytes();
      const shown = await lab.metric('arctun_rx_bytes_total');
      expect(shown).toBeGreaterThanOrEqual(before);
      expect(shown).toBeLessThanOrEqual(await lab.receivedBytes());
      const handshake = Number(await lab.run(`wg show ${INTERFACE} latest-handshakes | cut -f 2`));
      const reported = await lab.metric('arctun_last_handshake_timestamp_seconds');
      expect(Math.floor(reported)).toBe(handshake);
      await lab.stop();
    },
    SLOW,
  );

  it.each([
    ['userspace', INTERFACE],
    ['kernel', 'arc1'],
  ])(
    'removes the interface of a killed tunnel, in mode %s with interface %s',
    async (mode, name) => {
      await lab.configure({});
      await lab.up();
      await lab.kill();
      await lab.configure({}, { interface: name });
      await lab.upIn(mode);
      const names = await lab.run('ls /sys/class/net | grep -v "^lo$\\|^eth0$"; true');
      expect(names).toBe(mode === 'kernel' ? 'arc1\n' : '');
      await lab.run('killall -TERM node');
      expect(await lab.ended()).toMatchObject({ code: 0 });
      // The blocking routes remain, as after any SIGKILL.
      await lab.configure({});
      await lab.run('arctun up --cleanup --config /tmp/arc.json');
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  // The server keeps the new session.
  it(
    'applies a new session at SIGHUP',
    async () => {
      await lab.configure({});
      await lab.up();
      lab.server.renew('10.77.0.3');
      await lab.configure({ endpoint: `${SERVER_OUTSIDE}:${LISTEN_PORT + 1}` });
      await lab.run('killall -HUP node');
      await lab.until(`ping -c 1 -W 5 ${lab.server.inside.service}`);
      expect(await endpoint()).toMatch(new RegExp(`:${LISTEN_PORT + 1}$`, 'm'));
      expect(await lab.run(`ip address show ${INTERFACE}`)).toMatch(/inet 10\.77\.0\.3\/32/);
      expect(await lab.run(`wg show ${INTERFACE} peers | wc -l`)).toBe('1\n');
      await lab.stop();
    },
    SLOW,
  );
});
