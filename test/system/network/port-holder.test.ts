import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { portHolder, tryListen } from '../../../src/system/network/port-holder.js';
import { describeWith } from '../../support/runner/requirements.js';

describeWith(['linux'], 'the holder of a port', () => {
  it('of a TCP port is the process that listens there, until it ends', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(await portHolder('tcp', port)).toMatch(new RegExp(`^[^/]+ \\(pid ${process.pid}\\)$`));
    expect(await portHolder('udp', port)).toBeUndefined();
    server.close();
    await once(server, 'close');
    expect(await portHolder('tcp', port)).toBeUndefined();
  });

  it('of a UDP port is the process that is bound to it', async () => {
    const socket = createSocket('udp6').bind(0, '::1');
    await once(socket, 'listening');
    expect(await portHolder('udp', socket.address().port)).toContain(`(pid ${process.pid})`);
    socket.close();
  });

  it('is named after its command if it runs arctun’s script, under any path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arctun-port-holder-'));
    const script = join(folder, 'run.js');
    writeFileSync(
      script,
      `const server = require('node:net').createServer();
       server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
    );
    symlinkSync(script, join(folder, 'link.js'));
    const words = ['--no-warnings', 'link.js', 'up', '--log-level', 'info'];
    const child = spawn(process.execPath, words, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(printed.toString());
    expect(await portHolder('tcp', port, script)).toBe(`arctun up (pid ${child.pid})`);
    expect(await portHolder('tcp', port, '/elsewhere')).not.toContain('arctun');
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });
});

describe('trying to listen', () => {
  let server: Server;
  let sockets: Set<Socket>;

  async function listen(made: Server): Promise<string> {
    server = made;
    server.on('connection', (socket: Socket) => sockets.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  beforeEach(() => {
    sockets = new Set();
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  });

  it('reports a port that is in use, and leaves a free one free', async () => {
    const [, port] = (await listen(createServer())).split(':');
    expect(await tryListen('127.0.0.1', Number(port))).toMatchObject({ code: 'EADDRINUSE' });
    server.close();
    await once(server, 'close');
    expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
    expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
  });

  it('reports an address that this machine does not have', async () => {
    expect(await tryListen('192.0.2.1', 0)).toMatchObject({ code: 'EADDRNOTAVAIL' });
    await listen(createServer());
  });
});
