/**
 * Typical WireGuard configurations, imported and used with an independent WireGuard implementation.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { WG_QUICK_SAMPLES, type SampleKeys } from '../arc-config/wg-quick-samples.js';
import { describeWith } from '../support/runner/requirements.js';
import { LISTEN_PORT, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool'] as const;
const SERVER_OUTSIDE_6 = '2001:db8::1';
const CLIENT_OUTSIDE_6 = '2001:db8::2';

interface WrittenConfig {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly arcSessionStatus: {
    readonly arcServerPeerPublicKey: string;
    readonly arcServerEndpoint: string;
    readonly arcClientPeerIpAddress: string;
  };
}

const COMMANDS = /^(Pre|Post)(Up|Down)\s*=.*$/gim;

describeWith(PEERS, 'an imported configuration with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;
  let made: WrittenConfig;
  let keys: SampleKeys;

  const readConfig = () => JSON.parse(readFileSync(server.configPath, 'utf8')) as WrittenConfig;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    made = readConfig();
    keys = {
      privateKey: made.privateKey,
      serverKey: made.arcSessionStatus.arcServerPeerPublicKey,
      endpoint: made.arcSessionStatus.arcServerEndpoint,
      address: made.arcSessionStatus.arcClientPeerIpAddress,
    };
    await server.startWireGuard();
    await server.startHttp();
  }, 60_000);
  afterAll(() => server.close());

  /** Imports the text, overwriting any existing file. */
  async function importing(text: string): Promise<void> {
    const path = join(server.folder, 'peer.conf');
    writeFileSync(path, text, { mode: 0o600 });
    writeFileSync(server.configPath, '');
    const { code, stdout } = await server.arctun('config', 'import', path).finished;
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Created/updated configuration file: ${server.configPath}\n`,
    });
    expect(statSync(server.configPath).mode & 0o777).toBe(0o600);
    expect(readConfig().publicKey).toBe(made.publicKey);
  }

  async function sending(message: string): Promise<void> {
    const { code, stdout } = await server.arctun('send', message, '--wait', '20').finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ length: message.length });
  }

  it.each(WG_QUICK_SAMPLES)(
    'comes up: $name',
    async ({ text }) => {
      // Some have commands for another machine: `up` would run them.
      await importing(text(keys).replaceAll(COMMANDS, ''));
      const { process: up, url } = await server.up();
      const answer = await server.curl('-f', '-d', 'x'.repeat(1000), `${url}/`).finished;
      expect(JSON.parse(answer.stdout)).toMatchObject({ length: 1000 });
      up.kill('SIGTERM');
      expect((await up.finished).code).toBe(0);
    },
    60_000,
  );

  it('sends to an IPv6 endpoint in brackets', async () => {
    const link = server.clientSpace.slice(0, -1);
    for (const [space, device, address] of [
      [server.clientSpace, `${link}0`, CLIENT_OUTSIDE_6],
      [server.serverSpace, `${link}1`, SERVER_OUTSIDE_6],
    ] as const) {
      execFileSync('ip', ['-n', space, 'address', 'add', `${address}/64`, 'dev', device, 'nodad']);
    }
    server.wire?.addServer(SERVER_OUTSIDE_6);
    const [console] = WG_QUICK_SAMPLES;
    await importing(console!.text({ ...keys, endpoint: `[${SERVER_OUTSIDE_6}]:${LISTEN_PORT}` }));
    await sending('over IPv6');
  }, 60_000);
});
