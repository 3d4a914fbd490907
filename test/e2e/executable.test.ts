/** The single executable, without other files. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { writeExecutable } from '../support/executable.js';
import { ARCTUN, type Finished, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';

const { version: VERSION } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as {
  readonly version: string;
};

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let program: string;
let api: Server | undefined;

const command = (...words: string[]) => [program, ...words];
const run = () => join(folder, 'run');
const options = () => ({ cwd: folder, env: { RUNTIME_DIRECTORY: run(), ARCTUN_MODE: '' } });

function arctun(...words: string[]): Promise<Finished> {
  return processes.run(command(...words), options());
}

/** A POST in absolute form. @returns the status */
async function postByProxy(proxy: string, url: string, body: string): Promise<number | undefined> {
  const { hostname, port } = new URL(`http://${proxy}`);
  const headers = { Host: new URL(url).host };
  const post = request({ host: hostname, port, path: url, method: 'POST', headers, agent: false });
  const [response] = (await once(post.end(body), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

describeWith(['linux', 'executable'], 'the executable', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-standalone-'));
    program = join(folder, 'arctun');
    await writeExecutable(program);
    emulator = await startEmulatorProcess(processes);
    const options = { cwd: folder, env: emulator.env };
    const bootstrap = [program, 'bootstrap', 'authkey'];
    expect(await processes.run(bootstrap, options)).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    api?.close();
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  it('opens a tunnel, carries requests, reports its status, and ends', async () => {
    const words = ['--mode', 'userspace', '--port=0', '--proxy-listen', '127.0.0.1:0', '--json'];
    const up = processes.start(command('up', ...words), options());
    const [line] = await up.output(/^\{.*\}$/m);
    const { forward, proxy, ...rest } = JSON.parse(line) as Record<string, string>;
    expect(rest).toMatchObject({ mode: 'userspace', endpoint: emulator.arc });
    const answer = await fetch(forward!, { method: 'POST', body: '{"by":"forwarder"}' });
    expect(answer.status).toBe(201);
    expect(await postByProxy(proxy!, 'http://100.127.69.42/', '{"by":"proxy"}')).toBe(201);
    const bodies = (await emulator.messages()).map(({ body }) => body);
    expect(bodies).toEqual(['{"by":"forwarder"}', '{"by":"proxy"}']);

    const status = await arctun('status', '--json');
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(status.stdout)).toMatchObject([
      { health: 'up', version: VERSION, pid: up.child.pid, listeners: { forward } },
    ]);
    expect((await arctun('status')).stdout).toMatch(/^interface: \S+ \(userspace\)\n/);
    expect(await arctun('health')).toMatchObject({ code: 0 });
    // As the npm package sees it.
    const other = await processes.run([process.execPath, ARCTUN, 'health'], options());
    expect(other).toMatchObject({ code: 0 });

    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);
    expect(readdirSync(run())).toEqual([]);
    expect(await arctun('health')).toMatchObject({ code: 1 });
  }, 60_000);

  itInRelease(
    'sends a message unchanged, byte by byte',
    async () => {
      writeFileSync(join(folder, 'message'), Buffer.from([0xff, 0x0a, 0x0a]));
      const before = (await emulator.messages()).length;
      expect(await arctun('send', '{"t":1}', '-H', 'X-A: 1')).toMatchObject({ code: 0 });
      const file = ['--file', 'message', '--content-type=application/octet-stream', '--json'];
      const sent = await arctun('send', ...file);
      expect(JSON.parse(sent.stdout)).toMatchObject({ status: 201 });
      const input = processes.run(command('send', '--via', 'tcp'), {
        ...options(),
        input: 'x\n\n',
      });
      expect(await input).toMatchObject({ code: 0 });
      expect((await emulator.messages()).slice(before)).toMatchObject([
        { body: '{"t":1}', headers: { 'x-a': '1', 'content-type': 'application/json' } },
        { bytes: 3 },
        { body: 'x\n\n', protocol: 'tcp' },
      ]);
    },
    60_000,
  );

  it('exits with the codes of the other executable', async () => {
    expect(await arctun('version')).toEqual({
      code: 0,
      stdout: `{"revision":"","version":"${VERSION}"}\n`,
      stderr: '',
    });
    expect(await arctun('nosuch')).toMatchObject({ code: 2, stdout: '' });
    const layer = await arctun('lambda', 'layer');
    expect(layer).toMatchObject({ code: 1, stdout: '' });
    expect(layer.stderr).toContain('Install arctun from npm');
    expect(await arctun('send', 'x', '--config', 'absent.json')).toMatchObject({ code: 3 });
    // This is not an environment of Lambda.
    expect(await arctun('lambda')).toMatchObject({ code: 2, stdout: '' });
    const silent = ['--forward-to=100.127.69.42:1', '--wait', '1', '--timeout', '1'];
    expect((await arctun('send', 'x', ...silent)).code).not.toBe(0);
  }, 60_000);

  itInRelease(
    'is the Lambda extension only if Lambda starts it',
    async () => {
      const asked: string[] = [];
      api = createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.writeHead(403).end('{}');
      }).listen(0, '127.0.0.1');
      await once(api, 'listening');
      const address = `127.0.0.1:${(api.address() as AddressInfo).port}`;
      const start = (name: string) =>
        processes.start([program], {
          argv0: name,
          cwd: folder,
          env: { AWS_LAMBDA_RUNTIME_API: address, ARCTUN_LAMBDA_PORT: '0' },
        }).finished;
      expect((await start('/opt/bin/arctun')).stdout).toContain('USAGE');
      expect(asked).toEqual([]);
      expect((await start('/opt/extensions/arctun')).stdout).toBe('');
      expect(asked[0]).toBe('POST /2020-01-01/extension/register');
    },
    30_000,
  );
});
