/** `ping`, `dig` and the DNS listener with wireguard-go, the kernel's ICMP, dnsmasq and dig. */
import { execFileSync } from 'node:child_process';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = [
  'root',
  'wireguard-go',
  'wg',
  'ip',
  'nft',
  'ethtool',
  'ping',
  'dig',
  'dnsmasq',
] as const;
const NAME_SERVER = '100.127.0.53';
const ZONE = `${REPOSITORY}test/support/foreign/dns-zone.conf`;

/** A TXT record of 20 strings of 200 characters: 4 kB, which do not fit into a datagram. */
const BIG = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index).repeat(200));

const servers: WireGuardGoServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

/** A server with a name server at its usual address. */
async function startServer(): Promise<WireGuardGoServer> {
  const server = new WireGuardGoServer();
  servers.push(server);
  await server.startWireGuard();
  const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
  execFileSync('ip', ['-n', server.serverSpace, ...add]);
  return server;
}

async function startNames(server: WireGuardGoServer): Promise<TestProcess> {
  const names = server.processes.start([
    ...inSpace(server.serverSpace),
    'dnsmasq',
    ...[`--conf-file=${ZONE}`, `--listen-address=${NAME_SERVER}`, '--log-queries=extra'],
    ...['--log-facility=-', `--txt-record=big.test,${BIG.join(',')}`],
  ]);
  await names.output(/cleared cache/, 'stderr');
  return names;
}

describeWith(PEERS, 'ping with the kernel at the far end', () => {
  let server: WireGuardGoServer;
  const ping = (...words: string[]) => server.arctun('ping', ...words).finished;

  beforeAll(async () => {
    server = await startServer();
    await startNames(server);
  }, 60_000);

  it('prints what ping(8) prints', async () => {
    const { code, stdout, stderr } = await ping('-c', '3', '-i', '0.2', SERVICE);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const words = ['ping', '-n', '-c', '3', '-i', '0.2', SERVICE];
    const theirs = await server.processes.run([...inSpace(server.serverSpace), ...words]);
    const shape = (text: string) => text.replaceAll(/[\d./]+ ?ms/g, 'T ms');
    expect(shape(stdout)).toBe(shape(theirs.stdout));
  }, 60_000);

  it('costs 156 bytes in each direction, as the documentation says', async () => {
    const before = server.transfer();
    await ping('-c', '2', '-i', '0.2', SERVICE);
    const middle = server.transfer();
    await ping('-c', '12', '-i', '0.2', SERVICE);
    const after = server.transfer();
    // 10 further requests of 128 bytes; IP and UDP outside the tunnel add 28 bytes to each.
    for (const direction of ['received', 'sent'] as const) {
      const [few, many] = [
        middle[direction] - before[direction],
        after[direction] - middle[direction],
      ];
      expect(many - few).toBe(10 * 128);
    }
  }, 60_000);

  it('resolves the name inside the tunnel, and prints only the summary with -q', async () => {
    const { code, stdout } = await ping('-q', '-c', '1', 'one.test');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^PING one\.test \(100\.127\.69\.42\) 56\(84\) bytes of data\.\n\n--- one\.test ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time \d+ms\nrtt min\/avg\/max\/mdev = [\d./]+ ms\n$/,
    );
    const hosts = await ping('-q', '-c', '1', '--hosts', `camera=${SERVICE}`, 'camera');
    expect(hosts.stdout).toContain(`PING camera (${SERVICE})`);
  }, 60_000);

  it('prints the statistics as JSON', async () => {
    const { stdout } = await ping('--json', '-c', '2', '-i', '0.2', '-s', '1392', SERVICE);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ host: SERVICE, address: SERVICE, size: 1392, sent: 2, received: 2 },
      ...{ duplicates: 0, errors: 0, lossPercent: 0 },
      roundTripMilliseconds: { min: expect.any(Number) as number },
    });
  }, 60_000);

  it('shows ICMP errors, and exits with 1 without a reply', async () => {
    const space = server.serverSpace;
    execFileSync('ip', ['-n', space, 'route', 'add', 'unreachable', '100.127.9.9/32']);
    execFileSync('ip', ['netns', 'exec', space, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
    const { code, stdout } = await ping('-c', '1', '-W', '5', '100.127.9.9');
    expect(stdout).toMatch(/\nFrom [\d.]+ icmp_seq=1 Destination Host Unreachable\n/);
    expect(stdout).toContain('1 packets transmitted, 0 received, +1 errors, 100% packet loss');
    expect(code).toBe(1);
  }, 60_000);

  it('exits with 1 if the host does not answer within -W', async () => {
    const nft = [...inSpace(server.serverSpace), 'nft'];
    const rule = (text: string) => execFileSync(nft[0]!, [...nft.slice(1), text]);
    rule('add table inet silent');
    rule('add chain inet silent input { type filter hook input priority 0; }');
    rule('add rule inet silent input icmp type echo-request drop');
    const { code, stdout } = await ping('-c', '2', '-i', '0.2', '-W', '0.5', SERVICE);
    rule('delete table inet silent');
    expect(stdout).toMatch(/2 packets transmitted, 0 received, 100% packet loss, time \d+ms\n\n$/);
    expect(code).toBe(1);
  }, 60_000);

  it.each([
    ['SIGINT', 0],
    ['SIGTERM', 143],
  ] as const)(
    'prints the summary after %s',
    async (signal, code) => {
      const running = server.arctun('ping', '-c', '0', '-i', '0.2', SERVICE);
      await running.output(/icmp_seq=2 /);
      running.kill(signal);
      const { stdout, code: given } = await running.finished;
      expect(stdout).toMatch(/--- 100\.127\.69\.42 ping statistics ---\n\d+ packets transmitted/);
      expect(given).toBe(code);
    },
    60_000,
  );

  it('ends if the reader of its output has ended', async () => {
    const words = ['ping', '-c', '0', '-i', '0.2', SERVICE, '--config', server.configPath];
    const { code, stdout } = await server.processes.run([
      ...[...inSpace(server.clientSpace), 'sh', '-c', '"$@" | head -n 1', 'sh'],
      ...[process.execPath, `${REPOSITORY}bin/run.js`, ...words],
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PING .*\n$/);
  }, 60_000);

  it.each([
    [2, ['-i', '0.1', SERVICE], 'cannot use --interval=0.1'],
    [2, ['-c', 'x', SERVICE], '--count'],
    [2, ['-s', '1393', SERVICE], 'a packet in the tunnel can hold 1392 bytes'],
    [2, ['-4', '-6', SERVICE], 'ipv6'],
    [5, ['192.0.2.99'], 'outside the allowed IPs'],
    [5, ['nowhere.test'], 'cannot find nowhere.test'],
    [5, ['-6', SERVICE], 'is not an IPv6 address'],
  ])(
    'exits with %i for %j',
    async (code, words, reason) => {
      const failed = await ping(...words);
      expect(failed).toMatchObject({ code, stdout: '' });
      expect(failed.stderr).toContain(reason);
    },
    60_000,
  );

  it('waits for another short command with the same SIM, and uses the tunnel of a running `up`', async () => {
    const both = await Promise.all([ping('-c', '1', SERVICE), ping('-c', '1', SERVICE)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const up = (await server.up()).process;
    expect(await ping('-c', '1', SERVICE)).toMatchObject({ code: 0, stderr: '' });
    up.kill('SIGTERM');
    await up.finished;
  }, 60_000);
});

describeWith(PEERS, 'dig and the DNS listener', () => {
  let server: WireGuardGoServer;
  let names: TestProcess;
  const dig = (...words: string[]) => server.arctun('dig', ...words).finished;

  beforeAll(async () => {
    server = await startServer();
    names = await startNames(server);
  }, 60_000);

  /** Debian's dig, in the client's namespace. */
  const theirDig = (...words: string[]) =>
    server.processes.run([...inSpace(server.clientSpace), 'dig', '+tries=1', '+time=8', ...words]);

  it.each([
    [['one.test'], 'one.test.\t\t60\tIN\tA\t100.127.69.42\n'],
    [['six.test', 'aaaa'], 'six.test.\t\t60\tIN\tAAAA\tfd00:127::1\n'],
    [['one.test', 'MX'], 'one.test.\t\t60\tIN\tMX\t10 mail.test.\n'],
    [['_sip._udp.one.test', 'SRV'], '_sip._udp.one.test.\t60\tIN\tSRV\t1 2 5060 one.test.\n'],
    [['short.test', 'TXT'], 'short.test.\t\t60\tIN\tTXT\t"a short text"\n'],
    [['-x', '192.0.2.9'], '9.2.0.192.in-addr.arpa.\t60\tIN\tPTR\tnine.test.\n'],
  ])(
    'prints the records of %j like dig',
    async (words, lines) => {
      const { code, stdout, stderr } = await dig(...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const comment = /^;; status: NOERROR, server: 100\.127\.0\.53 \(UDP\), time: \d+ ms\n/;
      expect(stdout).toMatch(comment);
      expect(stdout.replace(comment, '')).toBe(lines);
      expect((await dig('--short', ...words)).stdout).toBe(`${lines.split('\t').at(-1)}`);
    },
    60_000,
  );

  it('asks over TCP after a truncated response', async () => {
    const { stdout } = await dig('big.test', 'TXT');
    expect(stdout).toContain('server: 100.127.0.53 (TCP)');
    expect(stdout).toContain(BIG.map((text) => `"${text}"`).join(' '));
  }, 60_000);

  it('exits with 0 for a name that does not exist', async () => {
    const missing = await dig('nowhere.test');
    expect(missing).toMatchObject({ code: 0, stderr: '' });
    expect(missing.stdout).toContain(';; status: NXDOMAIN');
    expect(await dig('--short', 'nowhere.test')).toEqual({ code: 0, stdout: '', stderr: '' });
    const json = await dig('--json', 'one.test');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ name: 'one.test', type: 'A', status: 'NOERROR', server: NAME_SERVER, via: 'udp' },
      answers: [{ name: 'one.test.', ttl: 60, class: 'IN', type: 'A', data: '100.127.69.42' }],
    });
  }, 60_000);

  it.each([
    [2, ['one.test', 'ANY'], 'RFC 8482'],
    [2, ['a..b'], 'this is not a valid name'],
    [2, ['-x', 'one.test'], 'NAME must be an IP address'],
    [2, ['--dns', 'x', 'one.test'], 'cannot use --dns=x'],
    [5, ['--dns', '192.0.2.1', 'one.test'], 'is outside the allowed IPs'],
    [5, ['--dns', SERVICE, 'one.test'], 'does not accept DNS queries'],
  ])(
    'exits with %i for %j',
    async (code, words, reason) => {
      const failed = await dig(...words);
      expect(failed).toMatchObject({ code, stdout: '' });
      expect(failed.stderr).toContain(reason);
    },
    60_000,
  );

  describe('the DNS listener of `up`', () => {
    let up: TestProcess;
    let words: readonly string[];
    const short = async (...more: string[]) => {
      const { code, stdout } = await theirDig(...words, '+short', ...more);
      expect(code).toBe(0);
      return stdout;
    };

    beforeAll(async () => {
      const hosts = ['--hosts', 'camera.test=10.1.0.7', '--hosts', 'uni.soracom.io=100.127.69.43'];
      up = (await server.up('--dns-listen', '127.0.0.1:0', ...hosts)).process;
      const [, host, port] = await up.output(/"dns":"([^":]+):(\d+)"/);
      words = [`@${host}`, '-p', port!];
    }, 60_000);

    it.each([
      ['+notcp'],
      ['+tcp'],
      ['+noedns'],
      ['+edns=0', '+bufsize=4096'],
      ['+dnssec', '+cookie'],
    ])(
      'passes on queries with %s %s',
      async (...options) => {
        expect(await short('one.test', ...options)).toBe('100.127.69.42\n');
        expect(await short('one.test', 'MX', ...options)).toBe('10 mail.test.\n');
        const { stdout } = await theirDig(...words, 'nowhere.test', ...options);
        expect(stdout).toContain('status: NXDOMAIN');
      },
      60_000,
    );

    it('truncates big responses over UDP, so that dig repeats the query over TCP', async () => {
      const expected = `${BIG.map((text) => `"${text}"`).join(' ')}\n`;
      for (const options of [['+noedns'], ['+bufsize=1232'], ['+tcp']]) {
        expect(await short('big.test', 'TXT', ...options)).toContain(expected);
      }
      const cut = await theirDig(...words, 'big.test', 'TXT', '+ignore', '+bufsize=1232');
      expect(cut.stdout).toMatch(/flags: qr[a-z ]* tc/);
    }, 60_000);

    it('answers --hosts, and their addresses, without asking the name servers', async () => {
      expect(await short('camera.test')).toBe('10.1.0.7\n');
      expect(await short('camera.test', 'AAAA')).toBe('');
      expect(await short('-x', '10.1.0.7')).toBe('camera.test.\n');
      expect(await short('uni.soracom.io')).toBe('100.127.69.43\n');
      expect(names.stdout + names.stderr).not.toContain('camera.test');
    }, 60_000);

    it('answers with NOTIMP to zone transfers, and shows the address in `status`', async () => {
      const transfer = await theirDig(...words, 'test', 'AXFR');
      expect(transfer.stdout).toContain('; Transfer failed.');
      const status = await server.processes.run([
        ...inSpace(server.clientSpace),
        process.execPath,
        `${REPOSITORY}bin/run.js`,
        'status',
      ]);
      expect(status.stdout).toContain(`dns: 127.0.0.1:${words.at(-1)}`);
    }, 60_000);

    it('uses documented addresses while the name servers are down, else SERVFAIL', async () => {
      names.kill('SIGKILL');
      await names.finished;
      expect(await short('beam.soracom.io')).toBe('100.127.127.100\n');
      const other = await theirDig(...words, 'one.test');
      expect(other.stdout).toContain('status: SERVFAIL');
      expect(up.stderr).toContain("using the documented addresses of SORACOM's services");
    }, 60_000);

    it('is refused in tun mode, on other addresses, and on a port in use', async () => {
      const refused = async (...flags: string[]) => {
        const { code, stderr } = await server.arctun('up', ...flags).finished;
        return { code, stderr };
      };
      const tun = await refused('--mode', 'tun', '--dns-listen', '127.0.0.1:0');
      expect(tun).toMatchObject({ code: 2 });
      expect(tun.stderr).toContain('cannot use --dns-listen with --mode=tun');
      const open = await refused('--dns-listen', '0.0.0.0:0');
      expect(open).toMatchObject({ code: 2 });
      expect(open.stderr).toContain('look up names as this SIM');
      const port = `127.0.0.1:${words.at(-1)}`;
      const free = ['--force', '--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
      const taken = await refused('--dns-listen', port, ...free);
      expect(taken).toMatchObject({ code: 1 });
      expect(taken.stderr).toMatch(/cannot listen on .* \(--dns-listen\): .*already listening/);
    }, 60_000);
  });
});
