import { PassThrough } from 'node:stream';

import { ConnectionList, MAX_LISTED } from '../../../src/proxy/status/connection-list.js';
import { DialError } from '../../../src/proxy/dialer.js';

const TARGET = { host: 'web.test', port: 443 };

let now = 0;
const list = () => new ConnectionList(() => now);

/** A stream that counts bytes, as those of the tunnel do. */
const counting = (bytesWritten: number, bytesRead: number) =>
  Object.assign(new PassThrough(), { bytesWritten, bytesRead });

it('lists the connections of a dialer until they are closed, the latest first', async () => {
  const connections = list();
  const streams = [counting(1, 2), counting(3, 4)];
  const dialled = [...streams];
  const dialer = connections.watching('proxy', { dial: () => Promise.resolve(dialled.shift()!) });
  now = 1_000;
  expect(await dialer.dial(TARGET)).toBe(streams[0]);
  now = 5_000;
  await dialer.dial({ host: '::1', port: 80 });
  connections.add('remote-forward', TARGET, new PassThrough());
  now = 6_000;
  expect(connections.list()).toEqual([
    {
      opener: 'remote-forward',
      target: 'web.test:443',
      age: 1_000,
      sentBytes: 0,
      receivedBytes: 0,
    },
    { opener: 'proxy', target: '[::1]:80', age: 1_000, sentBytes: 3, receivedBytes: 4 },
    { opener: 'proxy', target: 'web.test:443', age: 5_000, sentBytes: 1, receivedBytes: 2 },
  ]);
  streams[0]!.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  expect(connections.list().map(({ target }) => target)).toEqual(['web.test:443', '[::1]:80']);
});

it('passes on the signal and the error of a dial', async () => {
  const connections = list();
  const error = new DialError('refused', 'no');
  const { signal } = new AbortController();
  const dialer = connections.watching('dns', {
    dial: (target, given) => {
      expect([target, given]).toEqual([TARGET, signal]);
      return Promise.reject(error);
    },
  });
  await expect(dialer.dial(TARGET, signal)).rejects.toBe(error);
  expect(connections.list()).toEqual([]);
});

it('ignores a stream that has already ended', () => {
  const connections = list();
  connections.add('command', TARGET, new PassThrough().destroy());
  expect(connections.list()).toEqual([]);
});

it('lists the latest connections only', () => {
  const connections = list();
  for (let port = 1; port <= MAX_LISTED + 5; port++) {
    connections.add('proxy', { host: 'a', port }, new PassThrough());
  }
  const targets = connections.list().map(({ target }) => target);
  expect(targets).toHaveLength(MAX_LISTED);
  expect([targets[0], targets.at(-1)]).toEqual([`a:${MAX_LISTED + 5}`, 'a:6']);
});
