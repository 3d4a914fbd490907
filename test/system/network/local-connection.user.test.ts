import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  createLocalConnections,
  localConnections,
} from '../../../src/system/network/local-connection.js';

let folder: string;
let path: string;
let server: Server | undefined;
const open = new Set<Socket>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-connection-'));
  path = join(folder, 'it.sock');
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  if (server !== undefined) await once(server.close(), 'close');
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function serve(onText: (text: string, socket: Socket) => void): Promise<void> {
  server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => onText(text, socket));
  }).listen(path);
  await once(server, 'listening');
}

it('lists files named as sockets, in order', async () => {
  await serve(() => undefined);
  for (const name of ['b.sock', 'a.sock', 'a.sock.lock', 'other']) {
    writeFileSync(join(folder, name), '');
  }
  await expect(localConnections.list(folder)).resolves.toEqual(
    ['a.sock', 'b.sock', 'it.sock'].map((name) => join(folder, name)),
  );
});

it('lists nothing if the folder does not exist', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(localConnections.list(join(folder, 'none'))).resolves.toEqual([]);
  await expect(localConnections.list(join(folder, 'file'))).resolves.toEqual([]);
});

it('returns the whole answer, however it is split, and closes the connection', async () => {
  const hungUp = new Promise<void>((resolve) => {
    void serve((text, socket) => {
      socket.on('close', () => resolve());
      // In the middle of a letter, and of the end.
      const bytes = Buffer.from(`to ${text}é\n\nmore\n\n`);
      const cut = (from: number, to: number) => () => socket.write(bytes.subarray(from, to));
      cut(0, 7)();
      setTimeout(cut(7, 9), 20);
      setTimeout(cut(9, bytes.length), 40);
    });
  });
  await expect(localConnections.ask(path, 'you', '\n\n')).resolves.toBe('to youé\n\n');
  await hungUp;
});

it('reports that no program listens', async () => {
  await expect(localConnections.ask(path, 'x', '\n')).rejects.toMatchObject({ code: 'ENOENT' });
  writeFileSync(path, '');
  chmodSync(path, 0o600);
  await expect(localConnections.ask(path, 'x', '\n')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

it('reports that an answer is incomplete', async () => {
  await serve((_, socket) => socket.end('half'));
  await expect(localConnections.ask(path, 'x', '\n')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

it('does not wait beyond its deadline', async () => {
  await serve((_, socket) => socket.write('half'));
  const connections = createLocalConnections({ deadline: 50 });
  await expect(connections.ask(path, 'x', '\n')).rejects.toMatchObject({
    code: 'ETIMEDOUT',
    message: 'no response within 0.05 s',
  });
});

it('rejects an answer without an end', async () => {
  await serve((_, socket) => {
    const write = (error?: Error | null) => {
      if (!error) socket.write('x'.repeat(10_000), write);
    };
    write();
  });
  const connections = createLocalConnections({ longestAnswer: 1_000_000 });
  await expect(connections.ask(path, 'x', '\n')).rejects.toMatchObject({ code: 'EMSGSIZE' });
});
