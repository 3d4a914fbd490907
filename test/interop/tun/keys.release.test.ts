/**
 * What Linux's own test of WireGuard (netns.sh) requires of keys and of cleanup, with `wg set`, for
 * our tunnel with wireguard-go as the peer.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { TUN_LAB, TunLab } from '../../support/foreign/tun-lab.js';
import { inSpace, LISTEN_PORT } from '../../support/foreign/wireguard-go-server.js';

const NO_KEY = '(none)';

describeWith([...TUN_LAB, 'curl'], 'keys, as wg sets them', () => {
  let lab: TunLab;
  let running: TestProcess;
  let url: string;

  async function start(mode: 'tun' | 'userspace'): Promise<void> {
    lab = await TunLab.start();
    await lab.server.startHttp();
    const flags = mode === 'userspace' ? ['--forward-listen', '127.0.0.1:0'] : [];
    const still = ['--persistent-keepalive', '0'];
    running = lab.server.arctun('up', '--mode', mode, '--json', ...flags, ...still);
    const [line] = await running.output(/^\{.*"mode":.*\}$/m);
    const { forward } = JSON.parse(line) as { forward?: string };
    url = forward ?? `http://${lab.server.inside.service}`;
  }

  afterEach(() => lab.close());

  const device = () => lab.server.clientDevice;
  const show = (what: string) => lab.in('client', 'wg', 'show', device(), what).trim();
  const set = (...change: string[]) => lab.in('client', 'wg', 'set', device(), ...change);

  function keyFile(key: string): string {
    const path = join(lab.server.folder, 'a.key');
    writeFileSync(path, `${key}\n`, { mode: 0o600 });
    return path;
  }

  async function isAnswered(seconds: number): Promise<boolean> {
    const parameters = ['-f', '-o', '/dev/null', '--max-time', String(seconds)];
    return (await lab.server.curl(...parameters, `${url}/bytes/1000`).finished).code === 0;
  }

  describe.each(['tun', 'userspace'] as const)('in mode %s', (mode) => {
    it('ignores its own public key as a peer, and removes a peer when its own key becomes that peer’s', async () => {
      await start(mode);
      const peers = show('peers');
      set('peer', show('public-key'), 'allowed-ips', '203.0.113.0/24');
      expect(show('peers')).toBe(peers);
      expect(show('allowed-ips')).not.toContain('203.0.113.0/24');
      expect(await isAnswered(20)).toBe(true);
      const key = execFileSync('wg', ['genkey'], { encoding: 'utf8' }).trim();
      const publicKey = execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }).trim();
      set('peer', publicKey, 'allowed-ips', '203.0.113.0/24');
      expect(show('peers')).toContain(publicKey);
      set('private-key', keyFile(key));
      expect(show('public-key')).toBe(publicKey);
      expect(show('peers')).toBe(peers);
      running.kill('SIGTERM');
      await running.finished;
    }, 60_000);

    it('sends nothing without a private key, and sends again after one is set', async () => {
      await start(mode);
      expect(await isAnswered(20)).toBe(true);
      const privateKey = show('private-key');
      const arrived = lab.count('server', { any: `udp dport ${LISTEN_PORT}` });
      set('private-key', '/dev/null');
      expect([show('private-key'), show('public-key')]).toEqual([NO_KEY, NO_KEY]);
      expect(await isAnswered(1)).toBe(false);
      set('peer', show('peers'), 'persistent-keepalive', '1');
      expect(await isAnswered(2)).toBe(false);
      expect(arrived()).toEqual({ any: 0 });
      set('private-key', keyFile(privateKey));
      expect(show('private-key')).toBe(privateKey);
      expect(await isAnswered(20)).toBe(true);
      running.kill('SIGTERM');
      await running.finished;
    }, 60_000);

    it('shows a private key clamped (RFC 7748 5)', async () => {
      await start(mode);
      set('private-key', keyFile(Buffer.alloc(32, 0xff).toString('base64')));
      const shown = Buffer.from(show('private-key'), 'base64');
      expect([shown[0], shown[31]]).toEqual([0xf8, 0x7f]);
      expect(shown.subarray(1, 31)).toEqual(Buffer.alloc(30, 0xff));
      running.kill('SIGTERM');
      await running.finished;
    }, 60_000);
  });

  it('leaves no interface, rule, route, socket or process after peers, keys and ports were set', async () => {
    lab = await TunLab.start();
    const before = network();
    running = await lab.up();
    const publicKey = lab.peer('client').publicKey;
    lab.server.wire?.addServer('192.0.2.9');
    for (let index = 0; index < 20; index++) {
      const key = execFileSync('wg', ['genkey'], { encoding: 'utf8' });
      const other = execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }).trim();
      const keepalive = ['persistent-keepalive', '1', 'endpoint', '192.0.2.9:9'];
      set('peer', other, 'allowed-ips', `203.0.113.${index}/32`, ...keepalive);
    }
    set('listen-port', '40124', 'fwmark', '7', 'peer', publicKey, 'persistent-keepalive', '1');
    expect(show('peers').split('\n')).toHaveLength(21);
    await lab.down(running);
    expect(network()).toBe(before);
    expect(existsSync(`/var/run/wireguard/${device()}.sock`)).toBe(false);
    const [program, ...pids] = ['ip', 'netns', 'pids', lab.space('client')];
    expect(execFileSync(program, pids, { encoding: 'utf8' })).toBe('');
    const sockets = [...inSpace(lab.space('client')), 'cat', '/proc/net/udp', '/proc/net/udp6'];
    // The two header lines.
    expect((await lab.server.processes.run(sockets)).stdout.trim().split('\n')).toHaveLength(2);
  }, 60_000);

  function network(): string {
    return (
      [['-brief', 'link'], ['route', 'show', 'table', 'all'], ['rule'], ['-6', 'rule']]
        .map((list) => lab.in('client', 'ip', ...list))
        .join('\n')
        .split('\n')
        // The veth's own address, which appears after duplicate address detection.
        .filter((line) => !line.includes('fe80::'))
        .join('\n')
    );
  }
});
