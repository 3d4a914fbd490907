/**
 * The routes of `up --mode kernel`, in a machine with Debian's kernel: the same as those of the real
 * wg-quick there, and apart from those of other programs and other tunnels.
 */
import {
  GATEWAY_IPV6,
  MACHINE_IPV6,
  TAP,
  TOOLS,
} from '../../support/kernel-peer/arctun-machine.js';
import { INTERFACE, KERNEL_LAB, KernelLab, SLOW } from '../../support/kernel-peer/kernel-lab.js';
import { describeWith } from '../../support/runner/requirements.js';
import {
  CLIENT_INSIDE,
  INSIDE_IPV6,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  SERVICE,
} from '../../support/foreign/wireguard-go-server.js';

/**
 * The intended differences from wg-quick: another table and mark, and fixed preferences, so that each
 * program finds only its own rules (docs/decisions/0010-default-route-by-mark-and-rule.md). The
 * comparison ignores what only one of them has: arctun's blocking routes and alias, and wg-quick's
 * firewall rules and src_valid_mark.
 */
const DIFFERENCES = [
  [/\b(lookup|table) (11010|51820)\b/g, '$1 OWN'],
  [/\b0x(2b02|ca6c)\b/g, 'OWN'],
  [/^(22020|32764):/gm, 'first:'],
  [/^(22021|32765):/gm, 'second:'],
] as const;

/** The configuration and state of the interface, and all routes and rules of the machine. */
const STATE = [
  `${TOOLS}/ip -brief link show dev ${INTERFACE}`,
  `cat /sys/class/net/${INTERFACE}/mtu`,
  `${TOOLS}/ip -o address show dev ${INTERFACE} | cut -d ' ' -f 2-`,
  `${TOOLS}/ip -4 route show table all type unicast | grep -v fe80 | sort`,
  `${TOOLS}/ip -6 route show table all type unicast | grep -v fe80 | sort`,
  `${TOOLS}/ip -4 rule`,
  `${TOOLS}/ip -6 rule`,
  `wg show ${INTERFACE} public-key`,
  `wg show ${INTERFACE} allowed-ips`,
  `wg show ${INTERFACE} persistent-keepalive`,
  `wg show ${INTERFACE} fwmark`,
  `wg show ${INTERFACE} preshared-keys`,
];

/** Reached only by the default route. */
const FAR_IPV6 = '2001:db8:9::1';

/** An address of the server for the second tunnel. */
const SECOND_SERVICE = '100.96.0.1';

interface Session {
  readonly privateKey: string;
  readonly serverPublicKey: string;
}

describeWith(KERNEL_LAB, "the routes of the kernel's WireGuard", () => {
  let lab: KernelLab;

  beforeAll(async () => {
    lab = await KernelLab.start();
    lab.server.addInside(INSIDE_IPV6);
  }, SLOW);
  afterEach(() => lab.clean(), SLOW);
  afterAll(() => lab.close());

  async function state(): Promise<Record<string, string>> {
    const shown: Record<string, string> = {};
    for (const command of STATE) {
      shown[command] = DIFFERENCES.reduce(
        (text, [difference, same]) => text.replace(difference, same),
        await lab.run(command),
      );
    }
    return shown;
  }

  async function wgQuickUp(address: string, allowedIps: readonly string[]): Promise<void> {
    const { privateKey, serverPublicKey } = lab.server.tunnelConfig() as Session;
    const lines = [
      ...['[Interface]', `PrivateKey = ${privateKey}`, `Address = ${address}`, 'MTU = 1420'],
      ...['[Peer]', `PublicKey = ${serverPublicKey}`, `AllowedIPs = ${allowedIps.join(', ')}`],
      ...[`Endpoint = ${SERVER_OUTSIDE}:${LISTEN_PORT}`, 'PersistentKeepalive = 60'],
    ];
    // bash needs the link for `<( … )`.
    await lab.run(`[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
      umask 077; echo '${lines.join('\n')}' >/tmp/${INTERFACE}.conf; ${wgQuick('up')}`);
  }

  const wgQuick = (action: string) =>
    `${TOOLS}/bash ${TOOLS}/wg-quick ${action} /tmp/${INTERFACE}.conf`;

  it.each([
    [
      'several prefixes',
      CLIENT_INSIDE,
      ['100.127.0.0/16', '100.64.0.0/10', '203.0.113.7/32', 'fd00:127::/32'],
    ],
    ['both default routes', CLIENT_INSIDE, ['100.127.0.0/16', '0.0.0.0/0', '::/0']],
    ['an IPv6 address', INSIDE_IPV6.client, ['fd00:127::/32', '::/0']],
  ])(
    'are those of wg-quick, with %s',
    async (_name, client, allowedIps) => {
      const isIpv6 = client.includes(':');
      const service = isIpv6 ? INSIDE_IPV6.service : SERVICE;
      await wgQuickUp(`${client}/${isIpv6 ? 128 : 32}`, allowedIps);
      await lab.ping(service);
      const theirs = await state();
      await lab.run(`${wgQuick('down')}; echo 0 >/proc/sys/net/ipv4/conf/all/src_valid_mark`);
      await lab.expectNothingLeft();
      await lab.configure({ client, allowedIps });
      await lab.up();
      await lab.ping(service);
      expect(await state()).toEqual(theirs);
      await lab.stop();
    },
    SLOW,
  );

  it(
    'include an IPv6 default route, without a loop',
    async () => {
      lab.onServer('ip', 'address', 'add', `${GATEWAY_IPV6}/64`, 'dev', TAP, 'nodad');
      lab.onServer('ip', 'address', 'add', `${FAR_IPV6}/128`, 'dev', TAP, 'nodad');
      lab.server.wire?.addServer(FAR_IPV6);
      await lab.ip(`address add ${MACHINE_IPV6}/64 dev eth0 nodad`);
      await lab.ip(`-6 route add default via ${GATEWAY_IPV6}`);
      const { client, service } = INSIDE_IPV6;
      const endpoint = `[${FAR_IPV6}]:${LISTEN_PORT}`;
      await lab.configure({ endpoint, client, allowedIps: ['::/0'] });
      await lab.up();
      expect(await lab.ip('-6 route get 2001:db8:77::1')).toContain(`dev ${INTERFACE}`);
      expect(await lab.ip(`-6 route get ${FAR_IPV6} mark 0x2b02`)).toContain('dev eth0');
      expect(await lab.ip(`-6 route get ${GATEWAY_IPV6}`)).toContain('dev eth0');
      expect(await lab.ip('route get 198.51.100.1')).toContain('dev eth0');
      await lab.ping(service);
      await lab.run('killall -TERM node');
      expect(await lab.ended()).toMatchObject({ code: 0 });
      await lab.ip('-6 route delete default');
      await lab.ip(`address delete ${MACHINE_IPV6}/64 dev eth0`);
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it.each([
    ['IPv4', CLIENT_INSIDE, '100.127.0.0/16'],
    ['IPv6', INSIDE_IPV6.client, INSIDE_IPV6.allowedIps],
  ])(
    'do not replace the route of another program, %s',
    async (family, client, prefix) => {
      const ip = family === 'IPv6' ? '-6' : '-4';
      await lab.ip(`${ip} route add ${prefix} dev lo`);
      await lab.configure({ client, allowedIps: ['203.0.113.0/24', prefix] });
      await expect(lab.up()).rejects.toThrow(`route ${prefix}`);
      expect(await lab.ended()).toMatchObject({ code: 5 });
      expect(await lab.ip(`${ip} route show ${prefix}`)).toMatch(/^\S+ dev lo .*\n$/);
      await lab.ip(`${ip} route delete ${prefix} dev lo`);
      await lab.expectNothingLeft();
    },
    SLOW,
  );

  it(
    'of two tunnels do not affect each other',
    async () => {
      const second = await addSecondTunnel();
      await lab.configure({});
      await lab.up();
      const own = `-4 route show ${lab.server.inside.allowedIps}`;
      const routes = await lab.ip(own);
      expect(routes).toMatch(/ dev arc0 [^]*unreachable /);
      await second.up();
      await lab.ping(SECOND_SERVICE);
      await lab.ping();
      expect(await lab.ip(`route get ${SECOND_SERVICE}`)).toContain('dev arc1');
      expect(await lab.ip(own)).toBe(routes);
      await second.stop();
      expect(await lab.ip(own)).toBe(routes);
      expect(await lab.ip('-4 route show table all')).not.toMatch(/arc1|100\.96/);
      const received = await lab.receivedBytes();
      await lab.ping();
      expect(await lab.receivedBytes()).toBeGreaterThan(received);
      await lab.stop();
    },
    SLOW,
  );

  /** Configures a tunnel with another key and another interface, to an address of the same server. */
  async function addSecondTunnel() {
    const client = '10.77.0.9';
    const privateKey = (await lab.run('wg genkey | cat')).trim();
    const publicKey = (await lab.run(`echo ${privateKey} | wg pubkey`)).trim();
    const { device } = lab.server;
    lab.onServer('wg', 'set', device, 'peer', publicKey, 'allowed-ips', `${client}/32`);
    lab.onServer('ip', 'route', 'add', `${client}/32`, 'dev', device);
    lab.onServer('ip', 'address', 'add', `${SECOND_SERVICE}/32`, 'dev', device);
    const members = { interface: 'arc1', simId: '8942000000000000002', privateKey, publicKey };
    await lab.configure({ client, allowedIps: ['100.96.0.0/16'] }, members);
    await lab.run('mv /tmp/arc.json /tmp/second.json');
    const arctun = 'exec arctun up --mode kernel --json --config /tmp/second.json';
    return {
      up: () =>
        lab.run(`(sh -c 'echo $$ >/tmp/second.pid; ${arctun}' >/tmp/second.log 2>&1
            echo $? >/tmp/second.code) &
          until grep '"mode":"kernel"' /tmp/second.log; do
            if [ -f /tmp/second.code ]; then cat /tmp/second.log; exit 1; fi
            sleep 0.2
          done`),
      stop: async () => {
        await lab.run('kill -TERM $(cat /tmp/second.pid)');
        expect(await lab.until('cat /tmp/second.code')).toBe('0\n');
      },
    };
  }
});
