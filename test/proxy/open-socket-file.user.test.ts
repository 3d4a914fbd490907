import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jest } from '@jest/globals';

import type { HttpListener } from '../../src/proxy/http/listener.js';
import { startMixedPort } from '../../src/proxy/mixed/mixed-port.js';
import { silentLog } from '../support/fakes/silent-log.js';
import { failing } from './support/forwarding.js';
import { Wire } from './support/wire.js';

let folder: string;
let open: HttpListener[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-socket-'));
  open = [];
});
afterEach(async () => {
  for (const listener of open) await listener.close({ graceMs: 0 });
  rmSync(folder, { recursive: true });
});

async function start(path: string): Promise<HttpListener> {
  const listener = await startMixedPort({
    listen: { path },
    dialer: failing('refused'),
    log: silentLog,
    pac: { names: [], allowedIps: () => Promise.resolve([]), hosts: [] },
    udp: {
      sockets: { open: () => Promise.reject(new Error('never')) },
      ports: {
        bind: () => Promise.reject(new Error('never')),
        resolve: () => Promise.reject(new Error('never')),
      },
    },
  });
  open.push(listener);
  return listener;
}

it('serves a socket of mode 0600, and removes it', async () => {
  const path = join(folder, 'proxy.sock');
  const listener = await start(path);
  expect(listener.authority).toBe(`unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const wire = new Wire(connect(path));
  wire.send('\x05\x01\x00\x05\x01\x00\x03\x08one.test\x00\x50');
  expect(await wire.ended()).toBe('fin');
  expect(wire.received).toBe(`\x05\x00\x05\x05\x00\x01${'\0'.repeat(6)}`);
  await listener.close({ graceMs: 0 });
  expect(existsSync(path)).toBe(false);
});

it('answers UDP ASSOCIATE with 7, because a Unix socket has no address for it', async () => {
  const path = join(folder, 'proxy.sock');
  await start(path);
  const wire = new Wire(connect(path));
  wire.send(`\x05\x01\x00\x05\x03\x00\x01${'\0'.repeat(6)}`);
  expect(await wire.ended()).toBe('fin');
  expect(wire.received).toBe(`\x05\x00\x05\x07\x00\x01${'\0'.repeat(6)}`);
});

it('refuses a socket on which a program is listening', async () => {
  const path = join(folder, 'proxy.sock');
  await start(path);
  await expect(start(path)).rejects.toMatchObject({
    kind: 'failed',
    what: `cannot listen on unix:${path} (--proxy-listen)`,
    why: 'a program is listening on this path, or the path is not a socket',
  });
});

it.each([
  ['a file', 'file', 'a program is listening on this path, or the path is not a socket'],
  ['a missing folder', 'absent/proxy.sock', 'the folder does not exist'],
  ['a file instead of a folder', 'file/proxy.sock', 'a part of the path is not a folder'],
  [
    'a path that is too long',
    'x'.repeat(104),
    'the path of a Unix socket must not be longer than 103 bytes',
  ],
])('refuses %s', async (_name, name, why) => {
  writeFileSync(join(folder, 'file'), 'kept');
  await expect(start(join(folder, name))).rejects.toMatchObject({ why });
  expect(statSync(join(folder, 'file')).size).toBe(4);
});

it('reports a folder in which the user may not create files', async () => {
  const listen = jest.spyOn(Server.prototype, 'listen').mockImplementationOnce(function (
    this: Server,
  ) {
    const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
    process.nextTick(() => this.emit('error', error));
    return this;
  });
  await expect(start(join(folder, 'proxy.sock'))).rejects.toMatchObject({
    kind: 'permission',
    why: 'this user may not create the socket',
  });
  listen.mockRestore();
});
