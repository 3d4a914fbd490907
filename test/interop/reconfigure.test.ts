/**
 * A tunnel that keeps running while its session is renewed at wireguard-go: another key, port and
 * address.
 */
import { execFileSync } from 'node:child_process';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import {
  inSpace,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { until } from '../support/until.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool', 'curl', 'linux', 'koffi'] as const;
const PROGRAM = `${REPOSITORY}test/support/pairs/reconfigured-tunnel.js`;
const INTERFACE = 'arc0';
const RENEWED_CLIENT = '10.77.0.9';

describeWith([...PEERS, 'tun', 'ping'], 'a running tunnel whose session is renewed', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
  }, 60_000);
  afterEach(() => server.close());

  /** A tunnel after its first handshake. */
  async function open(...mode: readonly string[]): Promise<TestProcess> {
    const command = [...inSpace(server.clientSpace), process.execPath, PROGRAM, ...mode];
    const started = server.processes.start(command, { interactive: true });
    await configure(started, 1);
    return started;
  }

  /** Applies the current session, and waits for the result. */
  async function configure(
    tunnel: TestProcess,
    count: number,
    allowedIps?: string[],
  ): Promise<void> {
    tunnel.type(`${JSON.stringify(server.tunnelConfig(allowedIps))}\n`);
    const [line] = await tunnel.output(new RegExp(`handshake ${count}|failed .*`));
    expect(line).toBe(`handshake ${count}`);
  }

  async function close(tunnel: TestProcess): Promise<void> {
    tunnel.child.stdin!.end();
    await expect(tunnel.finished).resolves.toMatchObject({ code: 0 });
  }

  function inClient(...command: readonly string[]): string {
    const [program, ...parameters] = [...inSpace(server.clientSpace), ...command];
    return execFileSync(program, parameters, { encoding: 'utf8' });
  }

  const ping = () => inClient('ping', '-c', '3', '-i', '0.2', '-W', '5', server.inside.service);

  it('keeps the listener in userspace, and dials through the new session', async () => {
    const tunnel = await open('userspace');
    const [, authority] = await tunnel.output(/^mixed (\S+)$/m);
    const get = async () => {
      const url = `http://${server.inside.service}/bytes/1000`;
      const outcome = await server.curl('-f', '-o', '/dev/null', '-x', `http://${authority}`, url)
        .finished;
      return { code: outcome.code, stderr: outcome.stderr };
    };
    expect(await get()).toEqual({ code: 0, stderr: '' });
    // A transfer from the old address ends, and does not hang.
    const slow = server.curl(
      ...['-o', '/dev/null', '--limit-rate', '1M', '-x', `socks5h://${authority}`],
      `http://${server.inside.service}/bytes/500000000`,
    );
    await until(() => server.transfer().sent >= 200_000);
    server.renew(RENEWED_CLIENT);
    await configure(tunnel, 2);
    // A partial file, or a reset.
    expect([18, 56]).toContain((await slow.finished).code);
    expect(await get()).toEqual({ code: 0, stderr: '' });
    await close(tunnel);
  }, 120_000);

  it('keeps the interface in tun mode, with its index, and pings arrive', async () => {
    const tunnel = await open('tun', INTERFACE);
    const index = () => /^(\d+):/.exec(inClient('ip', '-o', 'link', 'show', INTERFACE))?.[1];
    const before = { index: index(), rules: inClient('ip', 'rule') };
    expect(ping()).toContain(' 0% packet loss');
    server.renew(RENEWED_CLIENT);
    await configure(tunnel, 2);
    expect(ping()).toContain(' 0% packet loss');
    expect(index()).toBe(before.index);
    const addresses = inClient('ip', '-brief', 'address', 'show', INTERFACE);
    expect(addresses).toContain(`${RENEWED_CLIENT}/32`);
    expect(addresses).not.toContain('10.77.0.2');
    // A default route is added without a loop, and removed.
    await configure(tunnel, 3, ['0.0.0.0/0']);
    expect(ping()).toContain(' 0% packet loss');
    expect(inClient('ip', 'route', 'get', '198.51.100.1')).toContain(`dev ${INTERFACE}`);
    expect(inClient('ip', 'route', 'get', SERVER_OUTSIDE)).not.toContain(INTERFACE);
    await configure(tunnel, 4);
    expect(ping()).toContain(' 0% packet loss');
    expect(inClient('ip', 'rule')).toBe(before.rules);
    expect(index()).toBe(before.index);
    await close(tunnel);
  }, 120_000);
});
