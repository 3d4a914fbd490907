/** `doctor` with wireguard-go as the server; test/app/doctor tests each fault. */
import { execFileSync } from 'node:child_process';

import { Doctor } from '../support/doctor.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import { inSpace, LISTEN_PORT, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const DNS_PEER = `${REPOSITORY}test/support/foreign/dns-peer.js`;
const NAME_SERVER = '100.127.0.53';
const PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
const PARAMETERS = [...PORTS, '--dns', NAME_SERVER];
/** No API can be reached from the namespace. */
const OFFLINE = ['clock', 'sim'];

describeWith([...TUN_MODE, 'nft'], 'doctor with wireguard-go as the server', () => {
  let server: WireGuardGoServer;
  let doctor: Doctor;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    const { serverSpace, device } = server;
    const address = ['address', 'add', `${NAME_SERVER}/32`, 'dev', device];
    execFileSync('ip', ['-n', serverSpace, ...address]);
    const command = [...inSpace(serverSpace), process.execPath, DNS_PEER, NAME_SERVER];
    const names = server.processes.start([...command, 'uni.soracom.io=100.127.69.42']);
    await names.output(/listening/);
    doctor = new Doctor(server.processes, () => ({
      prefix: inSpace(server.clientSpace),
      cwd: server.folder,
      env: { ARCTUN_CONFIG: server.configPath, ARCTUN_ENDPOINT: 'http://127.0.0.1:9' },
    }));
  }, 60_000);
  afterAll(() => server.close());

  /** Changes the packet filter of the server. */
  function nft(rule: string): void {
    const [program, ...words] = [...inSpace(server.serverSpace), 'nft', rule];
    execFileSync(program, words);
  }

  it('finds no problem, a path that loses large packets, and the largest MTU', async () => {
    await doctor.expectHealthy(PARAMETERS, OFFLINE);
    // A WireGuard message has 40 bytes more than its packet: UDP 8, header 16, tag 16.
    const input = '{ type filter hook input priority 0; }';
    const match = `udp dport ${LISTEN_PORT} udp length > 1300`;
    nft('add table inet fault');
    nft(`add chain inet fault drops ${input}`);
    nft(`add rule inet fault drops ${match} drop`);
    const { code, problems } = await doctor.examine(PARAMETERS);
    expect(problems).toMatchObject([{ name: 'path-mtu', kind: 'tunnel' }]);
    expect(problems[0]!.remedy).toMatch(/^Set "mtu": 1248 in /);
    expect(code).toBe(5);
    nft('delete table inet fault');
  }, 60_000);

  it('finds the routes of a killed up, and removes them with --fix', async () => {
    const up = server.arctun('up', '--mode', 'tun', '--json');
    await up.output(/"mode":"tun"/);
    up.kill('SIGKILL');
    await up.finished;
    const { problems } = await doctor.examine(PARAMETERS);
    expect(problems).toMatchObject([{ name: 'leftovers', kind: 'tunnel' }]);
    const { code, checks } = await doctor.examine([...PARAMETERS, '--fix']);
    expect(code).toBe(0);
    const left = checks.find(({ name }) => name === 'leftovers');
    expect(left?.text).toBe('Fixed: Removed 1 routes and rules.');
  }, 60_000);
});
