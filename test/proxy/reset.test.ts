import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { resetConnection } from '../../src/proxy/reset.js';

let server: Server;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

async function connected(): Promise<{ ours: Socket; client: Socket }> {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  return { ours, client };
}

it('resets', async () => {
  const { ours, client } = await connected();
  const failure = once(client, 'error');
  resetConnection(ours);
  expect((await failure)[0]).toMatchObject({ code: 'ECONNRESET' });
});

it('leaves no handle behind while a shutdown is under way', async () => {
  const { ours, client } = await connected();
  const gone = Promise.all([once(ours, 'close'), once(client.resume(), 'close')]);
  ours.end('the end');
  resetConnection(ours);
  await gone;
  await new Promise((resolve) => setImmediate(resolve));
  expect(process.getActiveResourcesInfo()).not.toContain('TCPSocketWrap');
});

it('resets while there is more to be written, also behind the end', async () => {
  const { ours, client } = await connected();
  client.on('error', () => undefined);
  let isReset = false;
  // A client of libuv may take a reset behind unread bytes for an end, so that it cannot tell.
  const resetAndDestroy = ours.resetAndDestroy.bind(ours);
  ours.resetAndDestroy = () => {
    isReset = true;
    return resetAndDestroy();
  };
  // More than the system takes.
  ours.end(Buffer.alloc(16 << 20));
  resetConnection(ours);
  expect(isReset).toBe(true);
  await new Promise((resolve) => client.resume().once('close', resolve));
});
