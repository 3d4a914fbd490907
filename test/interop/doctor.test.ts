/** `doctor` with wireguard-go as the server: faults of the network, made with nft and namespaces. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

import { Doctor } from '../support/doctor.js';
import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import {
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';

const DNS_PEER = `${REPOSITORY}test/support/foreign/dns-peer.js`;
const RIVAL = `${REPOSITORY}test/support/pairs/posting-tunnel.js`;
const NAME_SERVER = '100.127.0.53';
const PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
const PARAMETERS = [...PORTS, '--dns', NAME_SERVER];
/** No API can be reached from the namespace. */
const OFFLINE = ['clock', 'sim'];

describeWith([...TUN_MODE, 'nft'], 'doctor with wireguard-go as the server', () => {
  let server: WireGuardGoServer;
  let names: TestProcess;
  let doctor: Doctor;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    ip(server.serverSpace, 'address', 'add', `${NAME_SERVER}/32`, 'dev', server.device);
    await startNames();
    doctor = new Doctor(server.processes, () => ({
      prefix: inSpace(server.clientSpace),
      cwd: server.folder,
      env: { ARCTUN_CONFIG: server.configPath, ARCTUN_ENDPOINT: 'http://127.0.0.1:9' },
    }));
  }, 60_000);
  afterAll(() => server.close());

  function ip(space: string, ...words: readonly string[]): void {
    execFileSync('ip', ['-n', space, ...words]);
  }

  function nft(space: string, rule: string): void {
    const [program, ...words] = [...inSpace(space), 'nft', rule];
    execFileSync(program, words);
  }

  /** Drops what matches in a chain of its own, until allowAll(). */
  function block(space: string, hook: 'input' | 'output', match: string): void {
    nft(space, 'add table inet fault');
    nft(space, `add chain inet fault drops { type filter hook ${hook} priority 0; }`);
    nft(space, `add rule inet fault drops ${match} drop`);
  }

  const allowAll = (space: string) => nft(space, 'delete table inet fault');

  async function startNames(): Promise<void> {
    const command = [...inSpace(server.serverSpace), process.execPath, DNS_PEER, NAME_SERVER];
    names = server.processes.start([...command, 'uni.soracom.io=100.127.69.42']);
    await names.output(/listening/);
  }

  const healthy = () => doctor.expectHealthy(PARAMETERS, OFFLINE);

  function problem(name: string, cause: RegExp) {
    return doctor.expectProblem({ name, code: 5, cause }, PARAMETERS);
  }

  it('finds no problem in a working tunnel', healthy, 60_000);

  it('finds a network that drops UDP', async () => {
    block(server.serverSpace, 'input', `udp dport ${LISTEN_PORT}`);
    const found = await problem('handshake', /has not answered 2 handshake initiations/);
    expect(found.remedy).toContain(`allow outgoing UDP packets to port ${LISTEN_PORT}`);
    allowAll(server.serverSpace);
    await healthy();
  }, 60_000);

  it('finds a firewall on this machine that rejects UDP', async () => {
    block(server.clientSpace, 'output', `udp dport ${LISTEN_PORT}`);
    const found = await problem('handshake', /cannot send packets to .*EPERM/i);
    expect(found.remedy).toBe(`Allow UDP to port ${LISTEN_PORT} in this machine's firewall.`);
    allowAll(server.clientSpace);
    await healthy();
  }, 60_000);

  it('finds the silence in a running up, without a tunnel of its own', async () => {
    block(server.serverSpace, 'input', `udp dport ${LISTEN_PORT}`);
    const up = server.arctun('up', '--wait', '0', ...PARAMETERS);
    await up.output(/forwarder listening/, 'stderr');
    const found = await problem('handshake', new RegExp(`arctun up \\(pid ${up.child.pid}\\)`));
    expect(found.remedy).toContain(`allow outgoing UDP packets to port ${LISTEN_PORT}`);
    allowAll(server.serverSpace);
    await up.output(/Tunnel to .* is up/);
    // Its name servers and the Unified Endpoint are checked through its control socket.
    await doctor.expectHealthy(PARAMETERS, [...OFFLINE, 'path-mtu']);
    up.kill();
    await up.finished;
  }, 60_000);

  it('finds name servers that do not answer', async () => {
    block(server.serverSpace, 'input', 'udp dport 53');
    const found = await problem('name-servers', /^100\.127\.0\.53: no answer\.$/);
    expect(found.remedy).toMatch(/^Set --dns/);
    allowAll(server.serverSpace);
    await healthy();
  }, 60_000);

  it('finds that nothing listens at the Unified Endpoint', async () => {
    server.http?.kill();
    await server.http?.finished;
    await problem('unified-endpoint', /refused/);
    await server.startHttp();
    await healthy();
  }, 60_000);

  it('finds a path that loses large packets, and the largest MTU', async () => {
    // A WireGuard message has 40 bytes more than its packet: UDP 8, header 16, tag 16.
    block(server.serverSpace, 'input', `udp dport ${LISTEN_PORT} udp length > 1300`);
    const config = readFileSync(server.configPath, 'utf8');
    const found = await problem('path-mtu', /^The MTU of the tunnel is 1420/);
    const [, mtu] = /^Set "mtu": (\d+) in /.exec(found.remedy!)!;
    expect(mtu).toBe('1248');
    writeFileSync(server.configPath, JSON.stringify({ ...JSON.parse(config), mtu: Number(mtu) }));
    await healthy();
    allowAll(server.serverSpace);
    writeFileSync(server.configPath, config);
  }, 60_000);

  it('finds another tunnel with the same key on another machine', async () => {
    const rival = server.processes.start(
      [...inSpace(server.serverSpace), process.execPath, RIVAL],
      {
        interactive: true,
      },
    );
    const { service } = server.inside;
    rival.type(`${JSON.stringify({ ...server.tunnelConfig(), service, interval: 500 })}\n`);
    // A tunnel can take the session back 5 s after its last handshake (whitepaper 6.1), so that one
    // that has just started would be noticed too late.
    await rival.output(/(?:answer 201\s[^]*){13}/);
    const found = await problem('rival', /session/);
    expect(found.remedy).toMatch(/^Stop the other tunnel/);
    rival.child.stdin!.end();
    await rival.finished;
    await healthy();
  }, 60_000);

  it('finds the routes of a killed up, and removes them with --fix or by hand', async () => {
    for (const isFixing of [true, false]) {
      const up = server.arctun('up', '--mode', 'tun', '--json');
      await up.output(/"mode":"tun"/);
      up.kill('SIGKILL');
      await up.finished;
      const found = await problem('leftovers', /was killed/);
      if (isFixing) {
        const { code, checks } = await doctor.examine([...PARAMETERS, '--fix']);
        expect(code).toBe(0);
        const left = checks.find(({ name }) => name === 'leftovers');
        expect(left?.text).toBe('Fixed: Removed 1 routes and rules.');
      } else {
        doctor.runRemedy(found);
      }
      await healthy();
    }
  }, 120_000);

  it('finds a server that does not know the key, and says how to find out', async () => {
    const other = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
    const config = readFileSync(server.configPath, 'utf8');
    server.writeConfig({
      serverKey: execFileSync('wg', ['pubkey'], { encoding: 'utf8', input: other }).trim(),
    });
    const found = await problem(
      'handshake',
      new RegExp(`^${SERVER_OUTSIDE}:${LISTEN_PORT} has not`),
    );
    expect(found.remedy).toMatch(/^Run "arctun doctor" with SORACOM API credentials/);
    writeFileSync(server.configPath, config);
    await healthy();
  }, 60_000);
});
