/** UDP ASSOCIATE and passwords as foreign clients use them, with wireguard-go as the peer. */
import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'curl', 'ethtool', 'python3-requests'] as const;
const NAME_SERVER = '100.127.0.53';
const OTHER_SERVICE = '100.127.69.43';
const PASSWORD = 'correct horse battery';

const AXIOS = `
import axios from '${REPOSITORY}node_modules/axios/index.js';
const { hostname: host, port, password } = new URL(process.argv[1]);
const auth = { username: 'any', password: decodeURIComponent(password) };
const { status, data } = await axios.get(process.argv[2], { proxy: { host, port, auth } });
process.stdout.write(\`\${status} \${data.length}\`);
`;

const UNDICI = `
import { ProxyAgent, request } from '${REPOSITORY}node_modules/undici/index.js';
const dispatcher = new ProxyAgent(process.argv[1]);
const { statusCode, body } = await request(process.argv[2], { dispatcher });
process.stdout.write(\`\${statusCode} \${(await body.text()).length}\`);
await dispatcher.close();
`;

let server: WireGuardGoServer;

async function openServer(): Promise<void> {
  server = new WireGuardGoServer();
  await server.startWireGuard();
  for (const address of [NAME_SERVER, OTHER_SERVICE]) {
    const add = ['address', 'add', `${address}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
  }
  await server.startHttp();
  const entries = [`one.test=${SERVICE}`, `uni.soracom.io=${SERVICE}`];
  await peer('dns-peer.js', NAME_SERVER, ...entries);
  await peer('udp-echo.js', `${SERVICE}:7`, `${OTHER_SERVICE}:7`);
}

async function peer(script: string, ...parameters: readonly string[]): Promise<TestProcess> {
  const path = `${REPOSITORY}test/support/foreign/${script}`;
  const command = [...inSpace(server.serverSpace), process.execPath, path, ...parameters];
  const started = server.processes.start(command);
  await started.output(/listening/);
  return started;
}

function python(...parameters: readonly string[]): TestProcess {
  const script = `${REPOSITORY}test/support/foreign/socks5-udp.py`;
  return server.processes.start([
    ...inSpace(server.clientSpace),
    '/usr/bin/python3',
    script,
    ...parameters,
  ]);
}

/** Starts `up`. @returns the address of its proxy */
async function up(listen: string, ...parameters: readonly string[]) {
  const { process: started } = await server.up('--proxy-listen', listen, ...parameters);
  return { started, proxy: (await started.output(/"proxy":"([^"]+)"/))[1]! };
}

describeWith(
  [...PEERS, 'dig', 'nft'],
  'UDP through the mixed port with wireguard-go as the peer',
  () => {
    let started: TestProcess;
    let proxy: string;

    beforeAll(async () => {
      await openServer();
      ({ started, proxy } = await up('127.0.0.1:0'));
    }, 60_000);
    afterAll(() => server.close());

    it('reaches two hosts and a name from one port, and names the true source', async () => {
      const targets = [`${SERVICE}:7=a`, `${OTHER_SERVICE}:7=b`, 'one.test:7=c'];
      const { code, stdout, stderr } = await python('ask', proxy, '--', ...targets).finished;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const [, port] = / (\d+) /.exec(stdout)!;
      expect(stdout.trim().split('\n')).toEqual([
        `${SERVICE}:7 ${port} a`,
        `${OTHER_SERVICE}:7 ${port} b`,
        `${SERVICE}:7 ${port} c`,
      ]);
      await started.output(/"sent":3,"received":3/, 'stderr');
    }, 60_000);

    it('answers dig', async () => {
      const relay = python('relay', proxy, `${NAME_SERVER}:53`);
      const [port] = await relay.output(/^\d+/);
      const question = [
        '@127.0.0.1',
        '-p',
        port,
        'one.test',
        'A',
        '+short',
        '+time=10',
        '+tries=1',
      ];
      const { stdout } = await server.processes.run([
        ...inSpace(server.clientSpace),
        'dig',
        ...question,
      ]);
      expect(stdout.trim()).toBe(SERVICE);
      relay.kill('SIGKILL');
      await relay.finished;
    }, 60_000);

    it('never sends outside the tunnel', async () => {
      const asking = python('ask', proxy, '--', '192.0.2.1:7=a');
      await started.output(/"reason":"no-route"/, 'stderr');
      asking.kill('SIGKILL');
      expect(server.wire!.report()).toMatchObject({ strays: 0, examples: [] });
    }, 60_000);

    it('closes the UDP port when the TCP connection ends', async () => {
      const ports = () =>
        execFileSync('ip', ['netns', 'exec', server.clientSpace, 'cat', '/proc/net/udp'], {
          encoding: 'utf8',
        })
          .split('\n')
          .filter((line) => line.includes(' 0100007F:')).length;
      const before = ports();
      await python('ask', proxy, '--', `${SERVICE}:7=a`).finished;
      await until(() => ports() <= before);
    }, 60_000);
  },
);

describeWith(PEERS, 'a mixed port with a password', () => {
  let started: TestProcess;
  let proxy: string;

  beforeAll(async () => {
    await openServer();
    const file = join(server.folder, 'password');
    writeFileSync(file, `${PASSWORD}\n`, { mode: 0o600 });
    // Not a loopback address, and without --allow-open.
    ({ started, proxy } = await up('192.0.2.2:0', '--proxy-password-file', file));
  }, 60_000);
  afterAll(() => server.close());

  const WAYS = ['socks5h', 'socks5', 'http'] as const;

  it.each(WAYS)('serves curl with the password over %s', async (scheme) => {
    const user = ['--proxy', `${scheme}://${proxy}`, '--proxy-user', `any:${PASSWORD}`];
    const { code, stdout } = await server.curl('-f', ...user, '-d', 'x', `${SERVICE}/`).finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ length: 1 });
  });

  it('serves curl that waits for the challenge, and HTTPS tunnels', async () => {
    const user = ['-x', `http://${proxy}`, '--proxy-user', `any:${PASSWORD}`];
    const any = await server.curl('-f', ...user, '--proxy-anyauth', `${SERVICE}/bytes/1`).finished;
    expect(any).toMatchObject({ code: 0 });
    const tunnel = await server.curl('-f', ...user, '-p', `${SERVICE}/bytes/1`).finished;
    expect(tunnel).toMatchObject({ code: 0 });
  });

  it.each([
    ['socks5h', `any:wrong`, 97],
    ['socks5h', undefined, 97],
    ['socks4', undefined, 97],
    ['http', 'any:wrong', 22],
    ['http', undefined, 22],
  ])('refuses %s with %s', async (scheme, user, expected) => {
    const words = ['-f', '--proxy', `${scheme}://${proxy}`];
    if (user !== undefined) words.push('--proxy-user', user);
    const { code } = await server.curl(...words, `${SERVICE}/`).finished;
    expect(code).toBe(expected);
  });

  it('serves UDP to PySocks', async () => {
    const user = `any:${PASSWORD}`;
    const { stdout } = await python('ask', proxy, user, '--', `${SERVICE}:7=a`).finished;
    expect(stdout).toMatch(/^100\.127\.69\.42:7 \d+ a\n$/);
  }, 60_000);

  it.each([
    ['axios', AXIOS],
    ['undici', UNDICI],
  ])(
    'serves %s',
    async (_name, script) => {
      const url = new URL(`http://any@${proxy}`);
      url.password = PASSWORD;
      const { stdout, stderr } = await server.processes.run([
        ...inSpace(server.clientSpace),
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        url.href,
        `http://${SERVICE}/bytes/3`,
      ]);
      expect({ stdout, stderr }).toEqual({ stdout: '200 3', stderr: '' });
    },
    60_000,
  );

  it('logs neither the password nor a wrong one', () => {
    const output = started.stdout + started.stderr;
    expect(output).toContain('"reason":"wrong-password"');
    expect(output).not.toContain(PASSWORD);
    expect(output).not.toContain(Buffer.from(`any:${PASSWORD}`).toString('base64'));
    expect(output).not.toContain('any:wrong');
  });
});

describeWith(PEERS, 'a mixed port on a Unix socket, and SOCKS4', () => {
  beforeAll(openServer, 60_000);
  afterAll(() => server.close());

  it('serves only its owner on a socket, and takes over after a crash', async () => {
    const path = join(server.folder, 'proxy.sock');
    const first = await up(path);
    expect(first.proxy).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ask = () =>
      server.curl('-f', '--proxy', `socks5h://localhost${path}`, 'one.test/bytes/3').finished;
    expect(await ask()).toMatchObject({ code: 0 });
    const second = server.arctun('up', '--force', '--proxy-listen', path, '--forward-listen', '0');
    expect(await second.finished).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `Error: cannot listen on unix:${path} (--proxy-listen)`,
      ) as string,
    });
    first.started.kill('SIGKILL');
    await first.started.finished;
    const third = await up(path);
    expect(await ask()).toMatchObject({ code: 0 });
    third.started.kill('SIGTERM');
    expect((await third.started.finished).code).toBe(0);
    expect(() => statSync(path)).toThrow('ENOENT');
  }, 60_000);

  it('serves SOCKS4 and SOCKS4a', async () => {
    const { started, proxy } = await up('127.0.0.1:0');
    const by = (scheme: string, host: string) =>
      server.curl('-f', '--proxy', `${scheme}://${proxy}`, `${host}/bytes/3`).finished;
    expect(await by('socks4', SERVICE)).toMatchObject({ code: 0 });
    expect(await by('socks4a', 'one.test')).toMatchObject({ code: 0 });
    expect(await by('socks4a', 'none.test')).toMatchObject({ code: 97 });
    started.kill('SIGTERM');
    await started.finished;
  }, 60_000);
});
