import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checkOwner, openLocalStream } from '../../../src/system/network/local-stream.js';

const USER = process.geteuid!();
const isReadOnly = () => Promise.resolve(false);
const check = (path: string, user = USER) => checkOwner(path, { user, isReadOnly });

let folder: string;
let path: string;
let server: Server;

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'arctun-stream-')), 'run');
  mkdirSync(folder, { mode: 0o700 });
  path = join(folder, 'soratun0.sock');
  server = createServer((socket) => socket.end('hello'));
  await once(server.listen(path), 'listening');
  chmodSync(path, 0o600);
});
afterEach(() => {
  server.close();
  rmSync(join(folder, '..'), { recursive: true });
});

it('accepts a socket in a folder of this user', async () => {
  await expect(check(path)).resolves.toBeUndefined();
});

describe('a folder that a group can write to', () => {
  beforeEach(() => chmodSync(folder, 0o770));

  it('is accepted if the group has the ID of the user, or of root', async () => {
    // Most systems create such a group for each user.
    if (![0, USER].includes(statSync(folder).gid)) return;
    await expect(check(path)).resolves.toBeUndefined();
  });

  it('is refused if the group may have other members', async () => {
    if (USER !== 0) return;
    chownSync(folder, 0, 12_345);
    await expect(check(path)).rejects.toMatchObject({ code: 'EACCES' });
  });
});

it('refuses a socket that other users can replace', async () => {
  chmodSync(folder, 0o777);
  await expect(check(path)).rejects.toMatchObject({
    code: 'EACCES',
    message: `another user can replace ${folder}`,
  });
});

it('refuses a socket that another user owns', async () => {
  // Root may own sockets of every user, so this user must not be root here.
  const other = USER === 0 ? undefined : USER + 1;
  if (other === undefined) {
    chownSync(path, 12_345, 12_345);
  }
  await expect(check(path, other ?? 0)).rejects.toMatchObject({ code: 'EACCES' });
});

it('reports that the socket does not exist', async () => {
  await expect(check(join(folder, 'other.sock'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('connects', async () => {
  const socket = await openLocalStream(path);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  expect(bytes.toString()).toBe('hello');
  socket.destroy();
});

it('fails if no process is listening', async () => {
  await expect(openLocalStream(join(folder, 'other.sock'))).rejects.toMatchObject({
    code: 'ENOENT',
  });
});
