import { createServer } from 'node:http';

import { listenError, openPort } from '../../src/proxy/open-port.js';

const lines: string[] = [];
const log = {
  error: (_: object, message: string) => void lines.push(message),
  warn: (_: object, message: string) => void lines.push(message),
  info: () => undefined,
  debug: () => undefined,
};

it('reports the assigned port, and logs later errors', async () => {
  const server = createServer();
  const listen = { host: '127.0.0.1', port: 0 };
  const address = await openPort(server, { listen, flag: '--flag', risk: 'look', log });
  expect(address).toEqual({ host: '127.0.0.1', port: expect.any(Number) as number });
  expect(address.port).toBeGreaterThan(0);
  // An error without a listener would end the process.
  server.emit('error', new Error('out of descriptors'));
  expect(lines).toEqual(['the listener failed']);
  const taken = openPort(createServer(), { listen: address, flag: '--flag', risk: 'look', log });
  await expect(taken).rejects.toMatchObject({
    kind: 'failed',
    what: `cannot listen on 127.0.0.1:${address.port} (--flag)`,
    next: [expect.stringContaining('--flag')],
  });
  await new Promise((resolve) => server.close(resolve));
});

it('warns what others can do if other machines can reach the port', async () => {
  lines.length = 0;
  const server = createServer();
  const listen = { host: '0.0.0.0', port: 0 };
  const { port } = await openPort(server, { listen, flag: '--flag', risk: 'send', log });
  expect(lines).toEqual([`anyone who can reach 0.0.0.0:${port} can send`]);
  await new Promise((resolve) => server.close(resolve));
});

const LISTEN = { host: '::1', port: 80 };

it.each([
  ['EADDRINUSE', 'failed', 'this port is in use'],
  ['EACCES', 'permission', 'this port requires privileges'],
  ['EADDRNOTAVAIL', 'failed', 'this machine does not have this address'],
  ['ENOTFOUND', 'failed', 'the host name was not found'],
  ['EOTHER', 'failed', 'as the system says'],
])('reports why a port is not available: %s', (code, kind, why) => {
  const cause = Object.assign(new Error('as the system says'), { code });
  const error = listenError({ listen: LISTEN, flag: '--forward-listen' }, cause);
  expect(error).toMatchObject({
    kind,
    what: 'cannot listen on [::1]:80 (--forward-listen)',
    why,
    cause,
  });
  expect(error.next).toHaveLength(1);
});
