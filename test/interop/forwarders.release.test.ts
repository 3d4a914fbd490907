/** Several forwarders of one `up`, with curl, and wireguard-go and the kernel's TCP as the peer. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool', 'curl', 'setpriv'] as const;
const OTHER = '100.127.69.43';
const FOREIGN = `${REPOSITORY}test/support/foreign/`;
const NAME_SERVER = '100.127.0.53';

interface Ready {
  readonly forward: string;
  readonly furtherForwarders: readonly { readonly url: string; readonly target: string }[];
}

describeWith(PEERS, 'several targets', () => {
  let server: WireGuardGoServer;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    for (const address of [OTHER, NAME_SERVER]) {
      const add = ['address', 'add', `${address}/32`, 'dev', 'lo'];
      execFileSync('ip', ['-n', server.serverSpace, ...add]);
    }
    // Each server appends the paths of its requests to its own file.
    for (const [address, port, name] of [
      [SERVICE, '80', 'first'],
      [OTHER, '8080', 'second'],
    ] as const) {
      await peer('short-lived-peer.js', address, port, join(server.folder, name), 'announced');
    }
    await peer('dns-peer.js', NAME_SERVER, `other.test=${OTHER}`);
  }, 60_000);
  afterAll(() => server.close());

  async function peer(script: string, ...parameters: readonly string[]): Promise<void> {
    const command = [process.execPath, `${FOREIGN}${script}`, ...parameters];
    await server.processes.start([...inSpace(server.serverSpace), ...command]).output(/listening/);
  }

  const seenBy = (name: string) =>
    execFileSync('cat', [join(server.folder, name)], { encoding: 'utf8' })
      .trim()
      .split('\n');

  it('each get the requests of their own port, and only those', async () => {
    const targets = [`0=${OTHER}:8080`, '0=other.test:8080'];
    const { process: up } = await server.up(
      ...['--mode', 'userspace', '--proxy-listen', 'off'],
      ...targets.flatMap((target) => ['--forward-to', target]),
    );
    const [line] = await up.output(/^\{.*\}$/m);
    const { forward, furtherForwarders } = JSON.parse(line) as Ready;
    expect(furtherForwarders.map(({ target }) => target)).toEqual([
      `${OTHER}:8080`,
      'other.test:8080',
    ]);
    const [second, third] = furtherForwarders.map(({ url }) => url);
    const curl = async (...words: readonly string[]) => {
      const command = ['-o', '/dev/null', '-w', '%{http_code}', ...words];
      return (await server.curl(...command).finished).stdout;
    };
    expect(await curl(`${forward}/to-first`)).toBe('201');
    expect(await curl(`${second!}/to-second`)).toBe('201');
    expect(await curl(`${third!}/by-name`)).toBe('201');
    expect(seenBy('first')).toEqual(['/to-first']);
    expect(seenBy('second')).toEqual(['/to-second', '/by-name']);
    // A forwarder is not a proxy: a client cannot choose another target.
    expect(await curl('-p', '-x', second!, `http://${SERVICE}/`)).toBe('000');
    expect(await curl('-x', second!, `http://${SERVICE}/as-proxy`)).toBe('201');
    expect(seenBy('first')).toEqual(['/to-first']);
    expect(seenBy('second').at(-1)).toBe('/as-proxy');
    // The checks of requests from browsers are the same for each forwarder.
    expect(await curl('-H', 'Host: attacker.example', `${second!}/`)).toBe('421');
    expect(await curl('-H', 'Origin: http://attacker.example', `${third!}/`)).toBe('403');
    expect(seenBy('second')).toHaveLength(3);
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
  }, 60_000);

  it('are refused if a port is in use, and nothing stays open', async () => {
    const flags = ['up', '--mode', 'userspace', '--proxy-listen', 'off'];
    const same = ['--forward-listen', '127.0.0.1:8888', '--forward-to', `8888=${OTHER}`];
    const twice = await server.arctun(...flags, ...same).finished;
    expect(twice).toMatchObject({ code: 2, stdout: '' });
    expect(twice.stderr).toContain('--forward-listen and --forward-to use the same port');
    const open = await server.arctun(...flags, '--forward-to', `0.0.0.0:0=${OTHER}`).finished;
    expect(open).toMatchObject({ code: 2, stdout: '' });
    expect(open.stderr).toContain('cannot listen on 0.0.0.0 (--forward-to)');
  }, 60_000);
});
