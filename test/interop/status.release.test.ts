/** `status --all` compared with `wg show`, for a device that is not ours. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readWgDump } from '../../src/tunnel/uapi/wg-dump.js';
import { ARCTUN, type Finished } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { inSpace, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

describeWith(['root', 'wireguard-go', 'wg', 'ip', 'ethtool'], 'status --all', () => {
  let server: WireGuardGoServer;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-status-'));
    server = new WireGuardGoServer();
    await server.startWireGuard();
    // A handshake, so that there is something to report.
    const up = ['up', '--config', server.configPath, '--forward-listen', '127.0.0.1:0'];
    const client = server.processes.start(
      [...inSpace(server.clientSpace), process.execPath, ARCTUN, ...up, '--proxy-listen', 'off'],
      { env: { RUNTIME_DIRECTORY: folder } },
    );
    await client.output(/is up/);
  }, 60_000);
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** Only the tunnels of other programs. */
  function status(...parameters: string[]): Promise<Finished> {
    return server.processes.run([process.execPath, ARCTUN, 'status', ...parameters], {
      env: { RUNTIME_DIRECTORY: join(folder, 'none') },
    });
  }

  function wgShow(what: string): string {
    return execFileSync('wg', ['show', server.device, what], { encoding: 'utf8' }).trimEnd();
  }

  async function device(): Promise<Record<string, unknown> | undefined> {
    const devices = JSON.parse((await status('--all', '--json')).stdout) as { name: string }[];
    return devices.find(({ name }) => name === server.device);
  }

  it('reports the same as wg', async () => {
    const [peer, endpoint] = wgShow('endpoints').split('\t');
    const handshake = Number(wgShow('latest-handshakes').split('\t')[1]);
    expect(handshake).toBeGreaterThan(0);
    const found = await device();
    const [, received, sent] = wgShow('transfer').split('\t').map(Number);
    expect(found).toMatchObject({
      name: server.device,
      type: 'userspace',
      publicKey: wgShow('public-key'),
      listenPort: Number(wgShow('listen-port')),
      peers: [
        {
          publicKey: peer,
          endpoint,
          allowedIps: wgShow('allowed-ips').split('\t')[1]!.split(' '),
          persistentKeepaliveSeconds: 0,
          sentBytes: sent,
          receivedBytes: received,
        },
      ],
    });
    const [shown] = found!.peers as [{ latestHandshake: string }];
    expect(Math.floor(Date.parse(shown.latestHandshake) / 1000)).toBe(handshake);
  }, 60_000);

  it('reads the output of wg dump, as for a kernel device', async () => {
    const dump = execFileSync('wg', ['show', 'all', 'dump'], { encoding: 'utf8' });
    const read = readWgDump(dump).get(server.device);
    const found = await device();
    const { publicKey, listenPort, fwmark } = found!;
    expect(read).toMatchObject({ publicKey, listenPort, fwmark });
    const [peer] = found!.peers as [{ latestHandshake: string; endpoint: string }];
    expect(read!.peers).toMatchObject([
      {
        endpoint: peer.endpoint,
        allowedIps: [`${server.inside.client}/32`],
        persistentKeepalive: 0,
        latestHandshakeUnix: Math.floor(Date.parse(peer.latestHandshake) / 1000) * 1000,
      },
    ]);
    expect(JSON.stringify(read)).not.toContain(wgShow('private-key'));
  }, 60_000);

  it('prints it in soratun’s format, without the private key', async () => {
    const { stdout, stderr } = await status('--all');
    expect(stdout).toContain(
      `interface: ${server.device} (userspace)\n  public key: ${wgShow('public-key')}\n  private key: (hidden)\n`,
    );
    expect(stdout + stderr).not.toContain(wgShow('private-key'));
  }, 60_000);

  it('continues if a process has left its socket', async () => {
    server.signalWireGuard('SIGKILL');
    await server.wireGuardEnded();
    expect(await device()).toBeUndefined();
    const { stderr } = await status('--all');
    expect(stderr).not.toContain(`/${server.device}.sock`);
  }, 60_000);
});
