import { connect } from 'node:net';
import { Duplex } from 'node:stream';

import { jest } from '@jest/globals';

import { lingerAndClose, openUpstream } from '../../../src/proxy/http/upstream.js';
import { Cleanup, Forwarding } from '../support/forwarding.js';
import { until } from '../../support/until.js';

const cleanup = new Cleanup();
const forwarding = new Forwarding(cleanup);
afterEach(() => cleanup.run());

async function sent(method: string, fields: string[], hasBody: boolean): Promise<string> {
  const server = await forwarding.server(() => undefined);
  const stream = connect(server.port, '127.0.0.1');
  cleanup.add(() => void stream.destroy());
  const upstream = openUpstream(stream, { method, path: '/x', fields, hasBody });
  upstream.on('error', () => undefined);
  await new Promise<void>((resolve) => upstream.end(resolve));
  stream.end();
  await until(() => server.wires.length > 0);
  const [wire] = server.wires;
  await wire!.ended();
  return wire!.received;
}

it.each(['GET', 'POST', 'PUT', 'SEARCH'])(
  'sends no body headers for a %s without one',
  async (method) => {
    expect(await sent(method, ['Host', 'h', 'X-\u0041', '\xe9'], false)).toBe(
      `${method} /x HTTP/1.1\r\nHost: h\r\nX-A: \xe9\r\n\r\n`.replace(
        '\r\n\r\n',
        '\r\nConnection: close\r\n\r\n',
      ),
    );
  },
);

it('writes the fields in their order', async () => {
  const fields = ['Host', 'h', 'b', '1', 'A', '2', 'B', '3', 'Content-Length', '0'];
  expect(await sent('POST', fields, true)).toMatch(
    /^POST \/x HTTP\/1\.1\r\nHost: h\r\nb: 1\r\nA: 2\r\nB: 3\r\nContent-Length: 0\r\n/,
  );
});

it('closes a connection with a FIN', async () => {
  const server = await forwarding.server(
    (wire) => void wire.socket.on('end', () => wire.socket.end()),
  );
  const stream = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  await new Promise((resolve) => stream.once('connect', resolve));
  lingerAndClose(stream);
  await new Promise((resolve) => stream.once('close', resolve));
  expect(server.wires[0]!.ending).toBe('fin');
});

it('cuts off a connection that its other side does not close', () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  lingerAndClose(stream);
  jest.advanceTimersByTime(4_999);
  expect(stream.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(stream.destroyed).toBe(true);
  jest.useRealTimers();
});
