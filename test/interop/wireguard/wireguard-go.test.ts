/** Through an independent WireGuard implementation, with the kernel's TCP and curl at the ends. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { atLength, itInRelease } from '../../support/runner/tier.js';
import {
  CLIENT_INSIDE,
  inSpace,
  LISTEN_PORT,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool'] as const;
const MEGABYTE = 1_000_000;
const LARGE = atLength({ short: 20 * MEGABYTE, long: 100 * MEGABYTE });

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** A file whose bytes do not repeat within any TCP window. */
function makeFile(path: string, length: number): string {
  const bytes = Buffer.alloc(length);
  let state = 12345;
  for (let index = 0; index + 4 <= length; index += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, index);
  }
  writeFileSync(path, bytes);
  return createHash('sha256').update(bytes).digest('hex');
}

/** The SHA-256 of the pattern that the HTTP peer sends. */
function patternSha256(length: number): string {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index + 4 <= length; index += 4) {
    bytes.writeUInt32LE((index * 2654435761) % 4294967296, index);
  }
  return createHash('sha256').update(bytes).digest('hex');
}

async function transferBothWays(
  server: WireGuardGoServer,
  url: string,
  length: number,
): Promise<void> {
  const upload = join(server.folder, 'upload');
  const download = join(server.folder, 'download');
  const sha256 = makeFile(upload, length);
  const post = await server.curl(
    '-f',
    '-X',
    'POST',
    '--data-binary',
    `@${upload}`,
    '-H',
    'Expect:',
    `${url}/`,
  ).finished;
  expect(post.stderr).toBe('');
  expect(JSON.parse(post.stdout)).toEqual({ length, sha256 });
  const get = await server.curl('-f', '-o', download, `${url}/bytes/${length}`).finished;
  expect(get).toMatchObject({ code: 0, stderr: '' });
  expect(await sha256OfFile(download)).toBe(patternSha256(length));
}

/** Waits until the download has its first bytes, or has failed. */
async function untilBegun(curl: TestProcess, download: string): Promise<void> {
  const size = (): number => statSync(download, { throwIfNoEntry: false })?.size ?? 0;
  while (curl.running && size() === 0) await pause(50);
}

/** Downloads, but reads only the first byte until a line is typed, so that the transfer cannot end. */
const PAUSED_DOWNLOAD =
  'exec 3<&0; curl -sSf --max-time 240 "$0" </dev/null | ' +
  '{ dd bs=1 count=1 status=none; read -r _ <&3; cat; } >"$1"';

/** Milliseconds for which the peer is stopped. */
const STOPPED = atLength({ short: 3_000, long: 30_000 });

async function stopPeerWithinTransfer(server: WireGuardGoServer): Promise<void> {
  const { url } = await server.up();
  const download = join(server.folder, 'download');
  // More than all buffers between the two ends can contain.
  const length = 150 * MEGABYTE;
  const get = server.processes.start(
    [
      ...inSpace(server.clientSpace),
      ...['bash', '-o', 'pipefail', '-c', PAUSED_DOWNLOAD, `${url}/bytes/${length}`, download],
    ],
    { interactive: true },
  );
  await untilBegun(get, download);
  server.signalWireGuard('SIGSTOP');
  get.type('\n');
  await pause(STOPPED);
  expect(get.running).toBe(true);
  server.signalWireGuard('SIGCONT');
  expect(await get.finished).toMatchObject({ code: 0, stderr: '' });
  expect(await sha256OfFile(download)).toBe(patternSha256(length));
}

/** The peer is killed and restarted. */
async function killPeer(server: WireGuardGoServer): Promise<void> {
  const { url } = await server.up();
  const download = join(server.folder, 'download');
  const broken = server.curl(
    '-f',
    '--limit-rate',
    '1M',
    '-o',
    download,
    // More than a fast tunnel carries in curl's first second, in which it limits no rate.
    `${url}/bytes/${2_000 * MEGABYTE}`,
  );
  await untilBegun(broken, download);
  await server.killWireGuard();
  server.http?.kill('SIGKILL');
  const refused = await server.curl('-w', '%{http_code}', '-d', 'x', `${url}/`).finished;
  expect(refused.stdout).toMatch(/"reason":"no-handshake".*504$/s);

  await server.startWireGuard();
  await server.startHttp();
  const next = await server.curl('-o', '/dev/null', '-w', '%{http_code}', '-d', 'x', `${url}/`)
    .finished;
  expect(next.stdout).toBe('201');
  // The new peer answers the old connection with RST.
  expect((await broken.finished).code).not.toBe(0);
}

async function startServer(): Promise<WireGuardGoServer> {
  const server = new WireGuardGoServer();
  await server.startWireGuard();
  await server.startHttp();
  return server;
}

/** Runs in parallel with the earlier tests; a failure is reported by the test that awaits it. */
function inBackground(run: (server: WireGuardGoServer) => Promise<void>): Promise<void> {
  const outcome = startServer().then((server) => run(server).finally(() => server.close()));
  outcome.catch(() => undefined);
  return outcome;
}

describeWith(PEERS, 'with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;
  // These mostly wait.
  let stopped: Promise<void>;
  let dead: Promise<void>;

  beforeAll(() => {
    stopped = inBackground(stopPeerWithinTransfer);
    dead = inBackground(killPeer);
  });
  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(() => server.close());

  it('carries a large file in each direction, byte for byte', async () => {
    const { url } = await server.up();
    await transferBothWays(server, url, LARGE);
  }, 300_000);

  itInRelease(
    'answers 50 POSTs of 1 KB at once',
    async () => {
      const { url } = await server.up();
      const body = 'x'.repeat(1024);
      const sha256 = createHash('sha256').update(body).digest('hex');
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => server.curl('-f', '-d', body, `${url}/`).finished),
      );
      for (const answer of answers)
        expect(JSON.parse(answer.stdout)).toEqual({ length: 1024, sha256 });
    },
    60_000,
  );

  it('has the same counters as wg show, to the byte', async () => {
    const { process: up } = await server.up();
    const ping = await server.processes.run([
      ...inSpace(server.serverSpace),
      'ping',
      '-c',
      '10',
      '-i',
      '0.1',
      CLIENT_INSIDE,
    ]);
    expect(ping.stdout).toContain('10 received');
    const seen = server.transfer();
    up.kill('SIGTERM');
    const { code, stderr } = await up.finished;
    expect(code).toBe(0);
    const totals = JSON.parse(/.*"tunnel closed".*/.exec(stderr)![0]) as Record<string, number>;
    expect({ received: totals.sentBytes, sent: totals.receivedBytes }).toEqual(seen);
    // 10 echo requests and replies of 128, one initiation of 148, one response of 92, and the
    // keepalive of 32 that confirms the key.
    expect(seen).toEqual({ received: 1280 + 148 + 32, sent: 1280 + 92 });
  }, 60_000);

  it('carries 10 MB in each direction with 2 % of the datagrams lost', async () => {
    const { url } = await server.up();
    server.dropDatagrams(2);
    await transferBothWays(server, url, 10 * MEGABYTE);
    expect(server.droppedDatagrams()).toBeGreaterThan(100);
  }, 300_000);

  itInRelease(
    'carries 10 MB in each direction through a relay that delays by 10 ± 5 ms and so reorders',
    async () => {
      const port = await server.startRelay('--delay', '10', '--jitter', '5');
      server.writeConfig({ endpoint: `127.0.0.1:${port}` });
      const { url } = await server.up();
      await transferBothWays(server, url, 10 * MEGABYTE);
    },
    300_000,
  );

  it('finishes a transfer during which the peer was stopped', () => stopped, 240_000);

  it(
    'fails at once with the reason when the peer dies, and continues when it is back',
    () => dead,
    240_000,
  );

  it('exits with 5 if the server does not know the key', async () => {
    server.writeConfig({ serverKey: 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=' });
    const up = server.arctun('up', '--wait', '2', '--forward-listen', '127.0.0.1:0');
    const { code, stderr } = await up.finished;
    expect(code).toBe(5);
    expect(stderr).toContain(`${SERVER_OUTSIDE}:${LISTEN_PORT} has not answered`);
  }, 60_000);
});
