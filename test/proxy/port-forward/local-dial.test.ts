/** Connections to services on this machine, with real sockets. */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import { jest } from '@jest/globals';

import { connectLocally, localFault } from '../../../src/proxy/port-forward/local-dial.js';

const PATH = { path: '/nowhere/arctun.sock' };

it('reports a path at which nothing listens', async () => {
  await expect(connectLocally(PATH, new AbortController().signal)).rejects.toMatchObject({
    reason: 'refused',
    message: 'the path of the service does not exist',
  });
});

it('survives an abort between a failure of the socket and its event', async () => {
  const controller = new AbortController();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the socket
  const { destroy } = Duplex.prototype;
  const spy = jest.spyOn(Socket.prototype, 'destroy').mockImplementation(function (
    this: Socket,
    error?: Error,
  ) {
    destroy.call(this, error);
    controller.abort(new Error('gone'));
    return this;
  });
  try {
    await expect(connectLocally(PATH, controller.signal)).rejects.toBeDefined();
    await turn();
  } finally {
    spy.mockRestore();
  }
});

it.each([
  ['ENETUNREACH', 'unreachable', 'this machine has no route to the service'],
  ['ENOTFOUND', 'no-such-name', 'the name of the service was not found'],
  ['EOTHER', 'unreachable', 'as the system says'],
])('explains a failure with %s', (code, reason, message) => {
  const error = Object.assign(new Error('as the system says'), { code });
  expect(localFault(error)).toMatchObject({ reason, message, cause: error });
});
