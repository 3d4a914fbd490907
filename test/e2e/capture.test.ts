/** `up --capture` as a user runs it, right and wrong. test/interop checks the file with tshark. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { readPcapng } from '../support/foreign/pcapng-reader.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let capture: string;

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-capture-'));
  capture = join(folder, 'tunnel.pcapng');
  const bootstrap = processes.start([process.execPath, ARCTUN, 'bootstrap', 'authkey'], {
    cwd: folder,
    env: emulator.env,
  });
  expect((await bootstrap.finished).code).toBe(0);
}, 60_000);
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function up(...parameters: string[]): TestProcess {
  return upBehind([], ...parameters);
}

function upBehind(prefix: readonly string[], ...parameters: string[]): TestProcess {
  const command = [...prefix, process.execPath, ARCTUN, 'up', '--json'];
  const listen = parameters.includes('--forward-listen') ? [] : ['--forward-listen', '127.0.0.1:0'];
  return processes.start([...command, ...listen, ...parameters], { cwd: folder });
}

async function urlOf(started: TestProcess): Promise<string> {
  return (await started.output(/"forward":"(http:[^"]+)"/))[1]!;
}

async function stop(started: TestProcess, signal: NodeJS.Signals = 'SIGTERM') {
  started.kill(signal);
  return started.finished;
}

function post(url: string, body: string): Promise<number> {
  return fetch(url, { method: 'POST', body }).then(({ status }) => status);
}

itInRelease.each(['SIGTERM', 'SIGINT'] as const)(
  'is private, announced with a warning, and complete after %s',
  async (signal) => {
    const started = up('--capture', 'tunnel.pcapng', '--log-level', 'silent');
    expect(await post(await urlOf(started), 'hello')).toBe(201);
    expect(statSync(capture).mode & 0o777).toBe(0o600);
    const { code, stdout, stderr } = await stop(started, signal);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^Warning: tunnel\.pcapng will contain the private key .*\n$/);
    const { application, packets, statistics } = readPcapng(readFileSync(capture));
    expect(application).toMatch(/^arctun\/\d/);
    expect(statistics.map(([, dropped]) => dropped)).toEqual([0, 0]);
    const inside = packets.filter(({ interfaceId }) => interfaceId === 1);
    const texts = inside.map(({ direction, bytes }) => `${direction} ${bytes.toString('latin1')}`);
    expect(texts.some((text) => text.startsWith('out ') && text.includes('POST / HTTP/1.1'))).toBe(
      true,
    );
    expect(texts.some((text) => text.startsWith('in ') && text.includes('HTTP/1.1 201'))).toBe(
      true,
    );
  },
  60_000,
);

itInRelease(
  'writes its keys only to the file',
  async () => {
    const started = up('--capture', capture, '--log-level', 'trace', '--log-format', 'json');
    expect(await post(await urlOf(started), 'hello')).toBe(201);
    const { stdout, stderr } = await stop(started);
    const keys = [...readPcapng(readFileSync(capture)).keyLog.matchAll(/PRIVATE_KEY = (\S+)/g)];
    expect(keys).toHaveLength(2);
    for (const [, key] of keys) {
      const hex = Buffer.from(key!, 'base64').toString('hex');
      for (const secret of [key!, hex]) expect(stdout + stderr).not.toContain(secret);
    }
  },
  60_000,
);

itInRelease(
  'is not created without the flag',
  async () => {
    const started = up();
    await urlOf(started);
    expect((await stop(started)).stderr).not.toContain('Warning');
    expect(readdirSync(folder)).toEqual(['arc.json']);
  },
  60_000,
);

describe('is refused, and changes nothing,', () => {
  it.each<[string, string, () => void, string, number]>([
    ['for arc.json', 'arc.json', () => undefined, 'a file with this name already exists', 1],
    [
      'for a link',
      'link',
      () => symlinkSync(join(folder, 'arc.json'), join(folder, 'link')),
      'a file with this name already exists',
      1,
    ],
    ['where there is no folder', 'absent/x', () => undefined, 'absent does not exist', 3],
  ])(
    '%s',
    async (_, path, lay, why, exitCode) => {
      lay();
      const before = readFileSync(join(folder, 'arc.json'));
      const messages = (await emulator.messages()).length;
      const { code, stdout, stderr } = await up('--capture', path, '--log-level', 'silent')
        .finished;
      expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
      expect(stderr).toContain(`cannot capture to ${path}`);
      expect(stderr).toContain(why);
      expect(stderr).not.toContain('Warning');
      expect(readFileSync(join(folder, 'arc.json'))).toEqual(before);
      expect(await emulator.messages()).toHaveLength(messages);
    },
    60_000,
  );

  itInRelease(
    'if its port is in use, and leaves no file',
    async () => {
      const listener = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => listener.once('listening', resolve));
      const { port } = listener.address() as AddressInfo;
      try {
        const refused = await up('--capture', capture, '--forward-listen', `127.0.0.1:${port}`)
          .finished;
        expect(refused.code).not.toBe(0);
        expect(existsSync(capture)).toBe(false);
      } finally {
        listener.close();
      }
    },
    60_000,
  );
});

it('includes sent packets even without an answer', async () => {
  const config = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as {
    arcSessionStatus: { arcServerPeerPublicKey: string };
  };
  config.arcSessionStatus.arcServerPeerPublicKey = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';
  writeFileSync(join(folder, 'arc.json'), JSON.stringify(config));
  const { code } = await up('--capture', capture, '--wait', '1').finished;
  expect(code).toBe(5);
  const { packets, keyLog } = readPcapng(readFileSync(capture));
  expect(
    packets.map(({ interfaceId, direction, bytes }) => [interfaceId, direction, bytes.length]),
  ).toEqual([[0, 'out', 20 + 8 + 148]]);
  expect(keyLog.match(/LOCAL_EPHEMERAL_PRIVATE_KEY/g)).toHaveLength(1);
}, 60_000);

describeWith(['root', 'unshare'], 'if the disk is full', () => {
  itInRelease(
    'ends with one warning, and the tunnel keeps running',
    async () => {
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      chmodSync(disk, 0o700);
      const mount = [
        'unshare',
        '-m',
        'sh',
        '-c',
        'mount -t tmpfs -o size=64k tmpfs disk && exec "$@"',
        'sh',
      ];
      const started = upBehind(mount, '--capture', 'disk/tunnel.pcapng');
      const url = await urlOf(started);
      for (let message = 0; message < 10; message++) {
        expect(await post(url, 'x'.repeat(20_000))).toBe(201);
      }
      // In the process's own mount namespace.
      const bytes = readFileSync(`/proc/${started.child.pid}/root${disk}/tunnel.pcapng`);
      expect(readPcapng(bytes).packets.length).toBeGreaterThan(10);
      expect(bytes.length).toBeGreaterThan(60_000);
      const { code, stderr } = await stop(started);
      expect(code).toBe(0);
      expect(stderr.match(/the capture has stopped; the tunnel continues/g)).toHaveLength(1);
      expect(stderr).toMatch(/reason="no space left on the device"/);
      expect(stderr).toMatch(/leftOut=\d+/);
    },
    60_000,
  );
});
