/** A network interface with the single executable, whose native code is unpacked. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { writeExecutable } from '../../support/executable.js';
import { inSpace, WireGuardGoServer } from '../../support/foreign/wireguard-go-server.js';
import { describeWith, TUN_MODE } from '../../support/runner/requirements.js';

describeWith([...TUN_MODE, 'executable', 'ping'], 'the executable in tun mode', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await writeExecutable(join(server.folder, 'arctun'));
  }, 60_000);
  afterEach(() => server.close());

  it('carries packets to an independent peer, and leaves no native code in a file', async () => {
    const inClient = inSpace(server.clientSpace);
    const runtime = join(server.folder, 'runtime');
    execFileSync('install', ['-d', '-m', '0700', runtime]);
    const words = ['up', '--mode', 'tun', '--json', '--config', server.configPath];
    const up = server.processes.start([...inClient, join(server.folder, 'arctun'), ...words], {
      env: { XDG_STATE_HOME: join(server.folder, 'state'), RUNTIME_DIRECTORY: runtime },
    });
    const [line] = await up.output(/^\{.*\}$/m);
    expect(JSON.parse(line)).toMatchObject({ mode: 'tun' });
    const [space, ...rest] = inClient;
    const ping = [...rest, 'ping', '-c', '2', '-i', '0.2', server.inside.service];
    expect(execFileSync(space, ping, { encoding: 'utf8' })).toContain(' 0% packet loss');
    expect(readdirSync(runtime).filter((name) => name.endsWith('.node'))).toEqual([]);
    up.kill('SIGTERM');
    expect(await up.finished).toMatchObject({ code: 0 });
  }, 60_000);
});
