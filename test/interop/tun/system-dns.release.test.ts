/** `up --dns-setup` with Debian's systemd-resolved and openresolv, and wireguard-go as the server. */
import { execFileSync } from 'node:child_process';

import { REPOSITORY, type TestProcess } from '../../support/processes.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';
import { SystemDnsMachine } from '../../support/foreign/system-dns/system-dns.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../../support/foreign/wireguard-go-server.js';
import { until } from '../../support/until.js';

const NEEDS = [...TUN_MODE, 'curl', 'unshare', 'nsenter', 'dbus-daemon', 'system-dns'] as const;
const NAME_SERVER = '100.127.0.53';
const NAMES = ['uni.soracom.io', 'camera.example', 'api.soracom.io'];

let server: WireGuardGoServer;
/** The name server inside the tunnel, which prints each query. */
let inner: TestProcess;

beforeEach(async () => {
  server = new WireGuardGoServer();
  await server.startWireGuard();
  const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
  execFileSync('ip', ['-n', server.serverSpace, ...add]);
  const script = `${REPOSITORY}test/support/foreign/dns-peer.js`;
  const entries = NAMES.map((name) => `${name}=${SERVICE}`);
  const command = [process.execPath, script, NAME_SERVER, ...entries];
  inner = server.processes.start([...inSpace(server.serverSpace), ...command]);
  await inner.output(/listening/);
  await server.startHttp();
});
afterEach(() => server.close());

async function started(up: TestProcess): Promise<TestProcess> {
  await up.output(/"mode":"tun"/);
  return up;
}

async function stop(up: TestProcess, signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
  up.kill(signal);
  expect(await up.finished).toMatchObject({ code: 0 });
}

const flags = (...more: readonly string[]) => ['--dns', NAME_SERVER, '--dns-setup', ...more];

describeWith(NEEDS, 'the DNS of a machine with systemd-resolved', () => {
  let machine: SystemDnsMachine;
  const settings = async () =>
    (await machine.run('resolvectl', '--no-pager', 'status', server.clientDevice)).stdout;

  beforeEach(async () => {
    machine = await SystemDnsMachine.start(server, 'resolved');
  });

  it('finds only the names of the tunnel inside the tunnel', async () => {
    expect(await machine.addressOf('uni.soracom.io')).toBe('');
    const up = await started(machine.up(...flags('auto', '--dns-domain', 'camera.example')));
    expect(await machine.addressOf('uni.soracom.io')).toBe(SERVICE);
    expect(await machine.addressOf('camera.example')).toBe(SERVICE);
    expect(await machine.addressOf('api.soracom.io')).toBe('');
    const { stdout } = await machine.run('curl', '-sS', '-d', 'x', 'http://uni.soracom.io/');
    expect(JSON.parse(stdout)).toMatchObject({ length: 1 });
    expect(inner.stdout).toContain('A uni.soracom.io');
    expect(inner.stdout).not.toContain('api.soracom.io');
    const shown = await settings();
    expect(shown).toMatch(/DNS Servers: 100\.127\.0\.53\n/);
    expect(shown).toMatch(/-DefaultRoute .*-DNSOverTLS .*DNSSEC=no/);
    await stop(up, 'SIGTERM');
    expect(await machine.addressOf('uni.soracom.io')).toBe('');
  }, 60_000);

  it('finds all names inside the tunnel if the user wants that', async () => {
    const up = await started(machine.up(...flags('resolved', '--dns-domain', '.')));
    expect(await machine.addressOf('api.soracom.io')).toBe(SERVICE);
    await stop(up, 'SIGINT');
    expect(await machine.addressOf('api.soracom.io')).toBe('');
  }, 60_000);

  it('is put back if the interface was created beforehand', async () => {
    const tuntap = ['tuntap', 'add', server.clientDevice, 'mode', 'tun'];
    execFileSync('ip', ['-n', server.clientSpace, ...tuntap]);
    const before = await settings();
    const up = await started(machine.up(...flags('resolved')));
    expect(await settings()).toContain(NAME_SERVER);
    await stop(up, 'SIGTERM');
    expect(await settings()).toBe(before);
  }, 60_000);

  it('is put back after SIGKILL, with the interface', async () => {
    const up = await started(machine.up(...flags('resolved')));
    up.kill('SIGKILL');
    await up.finished;
    await until(async () => (await settings()) === '', { what: 'the interface is gone' });
    expect(await machine.addressOf('uni.soracom.io')).toBe('');
  }, 60_000);
});

describeWith(NEEDS, 'the DNS of a machine with openresolv', () => {
  let machine: SystemDnsMachine;
  let before: string;

  beforeEach(async () => {
    machine = await SystemDnsMachine.start(server, 'openresolv');
    before = machine.resolvConf();
    expect(before).toContain('nameserver 192.0.2.53');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'is put back after %s',
    async (signal) => {
      const up = await started(machine.up(...flags('auto')));
      expect(machine.resolvConf()).toMatch(/^nameserver 100\.127\.0\.53\n*$/m);
      expect(machine.resolvConf()).not.toContain('192.0.2.53');
      expect(await machine.addressOf('uni.soracom.io')).toBe(SERVICE);
      await stop(up, signal);
      expect(machine.resolvConf()).toBe(before);
    },
    60_000,
  );

  it('is put back if no handshake completes', async () => {
    await server.killWireGuard();
    const up = machine.up(...flags('resolvconf'), '--wait', '2');
    await until(() => machine.resolvConf() !== before);
    expect(await up.finished).toMatchObject({ code: 5 });
    expect(machine.resolvConf()).toBe(before);
  }, 60_000);

  it('is put back by up --cleanup after SIGKILL', async () => {
    const up = await started(machine.up(...flags('resolvconf')));
    up.kill('SIGKILL');
    await up.finished;
    expect(machine.resolvConf()).toContain(NAME_SERVER);
    expect(await machine.up('--cleanup').finished).toMatchObject({ code: 0 });
    expect(machine.resolvConf()).toBe(before);
  }, 60_000);

  it('is not set up by default, or if the chosen tool is missing', async () => {
    await stop(await started(machine.up()), 'SIGTERM');
    const up = await machine.up(...flags('resolved')).finished;
    expect(up).toMatchObject({ code: 1, stdout: '' });
    expect(up.stderr).toContain('cannot set up DNS for the tunnel with systemd-resolved');
    expect(up.stderr).toContain('resolvectl: the program was not found');
    expect(machine.resolvConf()).toBe(before);
    const interfaces = execFileSync('ip', ['-n', server.clientSpace, '-brief', 'link']);
    expect(interfaces.toString()).not.toContain(server.clientDevice);
  }, 60_000);
});
