import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { resetConnection } from '../../src/proxy/reset.js';

let server: Server;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

/** The number of TCP connections of this process; an earlier test file may have left some. */
const connections = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

async function connected(): Promise<{ ours: Socket; client: Socket }> {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  return { ours, client };
}

it('closes a Unix socket, which Node.js cannot reset', async () => {
  const path = join(tmpdir(), `arctun-reset-${process.pid}.sock`);
  const local = createServer().listen(path);
  await once(local, 'listening');
  const client = connect(path);
  const [ours] = (await once(local, 'connection')) as [Socket];
  const ended = once(client.resume(), 'close');
  resetConnection(ours);
  await ended;
  expect(ours.destroyed).toBe(true);
  local.close();
});

it('resets the connection', async () => {
  const { ours, client } = await connected();
  const failure = once(client, 'error');
  resetConnection(ours);
  expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
});

it('leaves no handle open during a shutdown', async () => {
  // The connections of the last test close within two turns.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  const before = connections();
  const { ours, client } = await connected();
  const gone = Promise.all([once(ours, 'close'), once(client.resume(), 'close')]);
  ours.end('the end');
  resetConnection(ours);
  await gone;
  await new Promise((resolve) => setImmediate(resolve));
  expect(connections()).toBeLessThanOrEqual(before);
});

it('resets even if data is still to be written, or after the end', async () => {
  const { ours, client } = await connected();
  client.on('error', () => undefined);
  let isReset = false;
  // A libuv client may report a reset after unread bytes as an end, so it cannot distinguish them.
  const resetAndDestroy = ours.resetAndDestroy.bind(ours);
  ours.resetAndDestroy = () => {
    isReset = true;
    return resetAndDestroy();
  };
  // More than the system buffers.
  ours.end(Buffer.alloc(16 << 20));
  resetConnection(ours);
  expect(isReset).toBe(true);
  await new Promise((resolve) => client.resume().once('close', resolve));
});
