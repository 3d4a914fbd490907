import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { readServerTime } from '../../../src/soracom/client/server-time.js';

const DATE = 'Sun, 29 Nov 2026 15:00:00 GMT';
let server: Server;
let requests: IncomingMessage[];
let headers: Record<string, string>;

beforeEach(async () => {
  requests = [];
  headers = { Date: DATE };
  server = createServer((request, response) => {
    requests.push(request);
    response.sendDate = false;
    response.writeHead(404, headers).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => server.close());

function read(signal = new AbortController().signal): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo;
  return readServerTime(`http://127.0.0.1:${port}`, 'arctun/1', signal);
}

it('returns the Date of any response, and sends no credentials', async () => {
  expect(await read()).toBe(Date.UTC(2026, 10, 29, 15));
  const [request] = requests;
  expect(request).toMatchObject({ method: 'GET', url: '/v1/' });
  expect(Object.keys(request!.headers).filter((name) => /soracom|auth|cookie/.test(name))).toEqual(
    [],
  );
  expect(request!.headers['user-agent']).toBe('arctun/1');
});

it.each([{}, { Date: 'yesterday' }])('returns undefined without a valid Date: %j', async (sent) => {
  headers = sent;
  expect(await read()).toBeUndefined();
});

it('ends with the reason of a stop', async () => {
  const reason = new Error('stopped');
  await expect(read(AbortSignal.abort(reason))).rejects.toBe(reason);
});
