import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { portHolder } from '../../../src/system/network/port-holder.js';
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
