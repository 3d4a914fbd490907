/** `wg` on a running tunnel, in both modes: our WireGuard as WireGuard's tools see it. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TestProcess } from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import { until } from '../support/until.js';
import { itInRelease } from '../support/runner/tier.js';
import {
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'curl'] as const;

/** Curve25519's points of low order (RFC 7748 6.1), as Linux's netns.sh tries them. */
const LOW_ORDER_KEYS = [
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  '4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=',
  'X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=',
  '7P///////////////////////////////////////38=',
  '7f///////////////////////////////////////38=',
  '7v///////////////////////////////////////38=',
];

describeWith(NEEDS, 'wg and a running tunnel', () => {
  let server: WireGuardGoServer;
  let running: TestProcess;
  /** The address of the HTTP server, for curl in the client's namespace. */
  let url: string;

  afterEach(() => server.close());

  async function start(mode: 'tun' | 'userspace', ...parameters: readonly string[]): Promise<void> {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    const flags = mode === 'userspace' ? ['--forward-listen', '127.0.0.1:0'] : [];
    running = server.arctun('up', '--mode', mode, '--json', ...flags, ...parameters);
    const up = await running.output(/^\{.*"mode":.*\}$/m);
    const { forward } = JSON.parse(up[0]) as { forward?: string };
    url = forward === undefined ? `http://${server.inside.service}/` : `${forward}/`;
  }

  function wg(...parameters: readonly string[]): string {
    return execFileSync('wg', parameters, { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  }

  function write(name: string, text: string): string {
    const path = join(server.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  async function get(seconds: number): Promise<number> {
    const parameters = ['-f', '-o', '/dev/null', '--max-time', String(seconds), `${url}bytes/1000`];
    return (await server.curl(...parameters).finished).code ?? -1;
  }

  describe.each(['tun', 'userspace'] as const)('in mode %s', (mode) => {
    it('shows the actual configuration, and the same byte counts as its server', async () => {
      await start(mode);
      expect(await get(20)).toBe(0);
      const { clientDevice, device, serverSpace } = server;
      const shown = wg('show', clientDevice, 'dump')
        .trim()
        .split(/[\t\n]/);
      const [privateKey, publicKey, port, mark] = shown;
      const [peer, psk, endpoint, allowedIps, handshake, received, , keepalive] = shown.slice(4);
      const served = (what: string) =>
        execFileSync(
          inSpace(serverSpace)[0],
          [...inSpace(serverSpace).slice(1), 'wg', 'show', device, what],
          {
            encoding: 'utf8',
          },
        );
      const seen = served('dump').trim().split('\n')[1]!.split('\t');
      expect(publicKey).toBe(seen[0]);
      expect(execFileSync('wg', ['pubkey'], { input: privateKey, encoding: 'utf8' }).trim()).toBe(
        publicKey,
      );
      expect(seen[2]).toContain(`:${port}`);
      expect(mark).toBe('off');
      expect([peer, psk]).toEqual([served('public-key').trim(), '(none)']);
      expect([endpoint, keepalive]).toEqual([`${SERVER_OUTSIDE}:${LISTEN_PORT}`, '60']);
      expect(allowedIps).toBe(server.inside.allowedIps);
      expect(Math.abs(Number(handshake) - Date.now() / 1000)).toBeLessThan(60);
      expect(Number(received)).toBeGreaterThan(1_000);
      // The client can send the last ACK of its connection between the two readings.
      const bytes = (transfer: string): string[] => transfer.trim().split('\t').slice(1);
      await until(
        () => {
          const [received, sent] = bytes(wg('show', clientDevice, 'transfer'));
          return bytes(served('transfer')).join() === [sent, received].join();
        },
        { limit: 10_000 },
      );
      expect(wg('show', 'interfaces').split(/\s+/)).toContain(clientDevice);
      running.kill('SIGTERM');
      await running.finished;
      expect(existsSync(`/var/run/wireguard/${clientDevice}.sock`)).toBe(false);
    }, 60_000);

    it('accepts fewer and more allowed IPs from set and syncconf while it runs', async () => {
      await start(mode);
      expect(await get(20)).toBe(0);
      const { clientDevice } = server;
      const whole = write('whole.conf', wg('showconf', clientDevice));
      const peer = wg('show', clientDevice, 'peers').trim();
      wg('set', clientDevice, 'peer', peer, 'allowed-ips', '203.0.113.0/24');
      expect(wg('show', clientDevice, 'allowed-ips')).toContain('203.0.113.0/24');
      expect(await get(3)).not.toBe(0);
      wg('syncconf', clientDevice, whole);
      expect(await get(20)).toBe(0);
      expect(wg('showconf', clientDevice)).toContain(`AllowedIPs = ${server.inside.allowedIps}`);
    }, 60_000);

    itInRelease(
      'accepts another private key, and starts a handshake with it at once',
      async () => {
        await start(mode);
        expect(await get(20)).toBe(0);
        const { clientDevice, device, serverSpace } = server;
        const privateKey = wg('genkey');
        const publicKey = execFileSync('wg', ['pubkey'], {
          input: privateKey,
          encoding: 'utf8',
        }).trim();
        const inServer = (...command: string[]) =>
          execFileSync(inSpace(serverSpace)[0], [...inSpace(serverSpace).slice(1), ...command]);
        const old = wg('show', clientDevice, 'public-key').trim();
        inServer('wg', 'set', device, 'peer', old, 'remove');
        inServer(
          'wg',
          'set',
          device,
          'peer',
          publicKey,
          'allowed-ips',
          `${server.inside.client}/32`,
        );
        wg('set', clientDevice, 'private-key', write('new.key', privateKey));
        expect(wg('show', clientDevice, 'public-key').trim()).toBe(publicKey);
        expect(await get(20)).toBe(0);
      },
      60_000,
    );

    itInRelease(
      'moves to another port on request',
      async () => {
        await start(mode);
        expect(await get(20)).toBe(0);
        const { clientDevice, device, serverSpace } = server;
        wg('set', clientDevice, 'listen-port', '40123');
        expect(wg('show', clientDevice, 'listen-port').trim()).toBe('40123');
        expect(await get(20)).toBe(0);
        const [space, ...inServer] = inSpace(serverSpace);
        const endpoints = execFileSync(space, [...inServer, 'wg', 'show', device, 'endpoints'], {
          encoding: 'utf8',
        });
        expect(endpoints).toContain(':40123');
      },
      60_000,
    );

    itInRelease(
      'sends nothing to peers with keys of low order',
      async () => {
        await start(mode);
        const [space, ...inClient] = inSpace(server.clientSpace);
        const listener = server.processes.start([
          space,
          ...inClient,
          process.execPath,
          '-e',
          `const s = require('node:dgram').createSocket('udp4');
         s.on('message', (m) => console.log('heard ' + m.length));
         s.bind(40999, '127.0.0.1', () => console.log('listening'));`,
        ]);
        await listener.output(/listening/);
        const peers = LOW_ORDER_KEYS.map((key) =>
          [
            '[Peer]',
            `PublicKey = ${key}`,
            'Endpoint = 127.0.0.1:40999',
            'PersistentKeepalive = 1',
          ].join('\n'),
        );
        wg('addconf', server.clientDevice, write('low.conf', `${peers.join('\n')}\n`));
        expect(wg('show', server.clientDevice, 'peers').trim().split('\n')).toHaveLength(8);
        // By then, a packet from any other peer has arrived.
        const key = execFileSync('wg', ['pubkey'], {
          input: wg('genkey'),
          encoding: 'utf8',
        }).trim();
        const sound = ['peer', key, 'endpoint', '127.0.0.1:40999', 'persistent-keepalive', '1'];
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        wg('set', server.clientDevice, ...sound);
        await listener.output(/heard 148/);
        expect(listener.stdout.match(/heard/g)).toHaveLength(1);
      },
      60_000,
    );

    itInRelease(
      'supports 130,560 allowed IPs of one peer, and 40 peers with 52 each',
      async () => {
        await start(mode);
        const { clientDevice } = server;
        const key = () =>
          execFileSync('wg', ['pubkey'], { input: wg('genkey'), encoding: 'utf8' }).trim();
        const many: string[] = [];
        for (let high = 0; high < 255; high++) {
          for (let low = 0; low < 256; low++) {
            many.push(
              `10.${high}.${low}.0/24`,
              `fd00:${high.toString(16)}:${low.toString(16)}::/48`,
            );
          }
        }
        const one = `[Peer]\nPublicKey = ${key()}\n${many.map((ip) => `AllowedIPs = ${ip}\n`).join('')}`;
        const forty = Array.from({ length: 40 }, (_, peer) => {
          const ips = Array.from({ length: 26 }, (__, index) => [
            `172.16.${peer}.${index}/32`,
            `fd01:${peer.toString(16)}::${index.toString(16)}/128`,
          ]).flat();
          return `[Peer]\nPublicKey = ${key()}\nAllowedIPs = ${ips.join(', ')}\n`;
        });
        wg('addconf', clientDevice, write('many.conf', one + forty.join('')));
        const listing = execFileSync('wg', ['show', clientDevice, 'allowed-ips'], {
          encoding: 'utf8',
          maxBuffer: 64 * 1024 * 1024,
        });
        const counts = listing
          .trim()
          .split('\n')
          .map((line) => line.split(/\s+/).length - 1)
          .sort((left, right) => right - left);
        expect(counts).toEqual([130_560, ...Array<number>(40).fill(52), 1]);
        expect(await get(20)).toBe(0);
      },
      120_000,
    );
  });

  itInRelease(
    'is refused in tun mode if another process answers for its name, and leaves nothing behind',
    async () => {
      await start('userspace');
      const { clientDevice, clientSpace } = server;
      const { code, stderr } = await server.arctun('up', '--mode', 'tun', '--force').finished;
      expect(code).toBe(1);
      expect(stderr).toContain(`cannot listen on /var/run/wireguard/${clientDevice}.sock`);
      const [space, ...inClient] = inSpace(clientSpace);
      const links = execFileSync(space, [...inClient, 'ip', '-brief', 'link'], {
        encoding: 'utf8',
      });
      expect(links).not.toContain(clientDevice);
      // The first one still answers.
      expect(wg('show', clientDevice, 'peers')).not.toBe('');
    },
    60_000,
  );
});
