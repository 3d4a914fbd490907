import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createKeyClaims } from '../../../src/system/network/key-claims.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'arctun-claims-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe.each(['linux', 'darwin'])('on %s', (platform) => {
  const open = () => createKeyClaims({ platform, folders: [join(folder, 'a'), join(folder, 'b')] });

  it('assigns a key to one process, which others can identify, until it is released', async () => {
    const key = randomBytes(32);
    let line = 'first';
    const claim = await open().take(key, () => line);
    await expect(open().take(key, () => 'second')).resolves.toBeUndefined();
    await expect(open().holder(key)).resolves.toBe('first');
    line = 'later';
    await expect(open().holder(key)).resolves.toBe('later');
    await expect(open().holder(randomBytes(32))).resolves.toBeUndefined();
    await claim!.close();
    await expect(open().holder(key)).resolves.toBeUndefined();
    const again = await open().take(key, () => 'again');
    expect(again).toBeDefined();
    await again!.close();
  });

  it('assigns a key to exactly one of several processes at the same moment', async () => {
    const key = randomBytes(32);
    const taken = await Promise.all([1, 2, 3, 4].map((n) => open().take(key, () => String(n))));
    expect(taken.filter((claim) => claim !== undefined)).toHaveLength(1);
    await Promise.all(taken.map(async (claim) => claim?.close()));
  });

  it('assigns the key of a killed process to the next process', async () => {
    const key = randomBytes(32);
    // The name of its socket, taken and kept by a process that is not arctun.
    const places: string[] = [];
    const spy = createKeyClaims({
      platform,
      folders: [join(folder, 'a')],
      listeners: {
        listen: (path) => {
          places.push(path);
          return Promise.resolve({ close: () => Promise.resolve() });
        },
      },
    });
    await spy.take(key, () => '');
    const script = `const fs = require('node:fs'); const path = ${JSON.stringify(places[0])};
      if (path[0] === '/') fs.mkdirSync(require('node:path').dirname(path), { recursive: true });
      require('node:net').createServer((socket) => socket.end('{}\\n')).listen(path, () => console.log('ready'));`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await expect(open().take(key, () => '')).resolves.toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const claim = await open().take(key, () => '');
    expect(claim).toBeDefined();
    await claim!.close();
  });
});

it('assigns no key on a system without folders for sockets', async () => {
  const claims = createKeyClaims({ platform: 'win32', folders: [] });
  await expect(claims.take(randomBytes(32), () => '')).rejects.toThrow('Unix sockets');
  await expect(claims.holder(randomBytes(32))).resolves.toBeUndefined();
});

it('falls back to a folder if the system has no abstract names', async () => {
  const key = randomBytes(32);
  const tried: string[] = [];
  const claims = createKeyClaims({
    platform: 'linux',
    folders: ['/run/x'],
    listeners: {
      listen: (path) => {
        tried.push(path);
        if (!path.startsWith('\0')) return Promise.resolve({ close: () => Promise.resolve() });
        return Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' }));
      },
    },
  });
  await expect(claims.take(key, () => '')).resolves.toBeDefined();
  expect(tried).toEqual([
    expect.stringMatching(/^\0arctun\/key\/[0-9a-f]{32}$/),
    expect.stringMatching(/^\/run\/x\/key-[0-9a-f]{32}$/),
  ]);
});
