/** `up` under a service manager, played by the test: its notifications, and their times. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { NotifySocket } from '../support/notify-socket.js';
import { type TestProcess, ARCTUN } from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import { inSpace, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';
import { until } from '../support/until.js';

const NEEDS = [...TUN_MODE, 'ping', 'strace'] as const;

describeWith(NEEDS, 'up as a service', () => {
  let server: WireGuardGoServer;
  let manager: NotifySocket;
  let told: string[];

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    manager = await NotifySocket.bind(join(server.folder, 'notify'));
    told = [];
  });
  afterEach(() => {
    manager.close();
    return server.close();
  });

  function start(mode: 'tun' | 'userspace', env: NodeJS.ProcessEnv): TestProcess {
    const flags = mode === 'userspace' ? ['--forward-listen', '127.0.0.1:0'] : [];
    return server.processes.start(
      [
        ...[...inSpace(server.clientSpace), process.execPath, ARCTUN, 'up', '--mode', mode],
        ...[...flags, '--config', server.configPath],
      ],
      { env: { NOTIFY_SOCKET: join(server.folder, 'notify'), ...env } },
    );
  }

  /** Waits for a notification, from the `from`-th datagram on; returns its index. */
  async function wait(pattern: RegExp, from = 0): Promise<number> {
    let at = -1;
    await until(
      () => {
        told.push(...manager.takeAll());
        at = told.findIndex((text, index) => index >= from && pattern.test(text));
        return at !== -1;
      },
      { what: `the manager receives ${String(pattern)}`, limit: 60_000 },
    );
    return at;
  }

  it.each(['tun', 'userspace'] as const)(
    'is ready at the handshake, reloads, and reports that it stops, in mode %s',
    async (mode) => {
      server.signalWireGuard('SIGSTOP');
      const running = start(mode, {});
      const waiting = await wait(/^STATUS=Waiting for the first handshake/m);
      expect(told.join('\n')).not.toContain('READY=1');
      server.signalWireGuard('SIGCONT');
      const ready = await wait(/^READY=1/m, waiting);
      const status = await wait(/^STATUS=Tunnel to 192\.0\.2\.1:11010: last handshake at /m, ready);
      running.kill('SIGHUP');
      const reloading = await wait(/^RELOADING=1\nMONOTONIC_USEC=\d+$/m, status);
      const again = await wait(/^READY=1/m, reloading);
      running.kill('SIGTERM');
      await wait(/^STOPPING=1/m, again);
      await expect(running.finished).resolves.toMatchObject({ code: 0 });
      expect(running.stderr).toContain('arc.json: no changes');
    },
    60_000,
  );

  it('reports why it failed', async () => {
    server.signalWireGuard('SIGSTOP');
    const running = start('tun', { ARCTUN_WAIT: '1' });
    await wait(/^STATUS=Stopping: no handshake with the Arc server: /m);
    await expect(running.finished).resolves.toMatchObject({ code: 5 });
    server.signalWireGuard('SIGCONT');
  }, 60_000);

  it('sends heartbeats to the watchdog, but not while the data path’s thread hangs', async () => {
    const running = start('tun', { WATCHDOG_USEC: '2000000' });
    await wait(/^READY=1/m);
    const first = await wait(/^WATCHDOG=1/m);
    await wait(/^WATCHDOG=1/m, first + 1);
    const { pid } = running.child;
    expect(readdirSync(`/proc/${pid}/task`).length).toBeGreaterThan(1);
    // Only the data path sends by sendmsg(2): its next datagram takes a minute in the kernel.
    const tracer = server.processes.start([
      ...['strace', '-f', '-p', String(pid), '-o', '/dev/null'],
      ...['-e', 'trace=sendmsg', '-e', 'inject=sendmsg:delay_enter=60000000'],
    ]);
    await tracer.output(/attached/, 'stderr');
    const [space, ...inClient] = inSpace(server.clientSpace);
    const ping = [...inClient, 'ping', '-c', '1', '-W', '1', server.inside.service];
    expect(() => execFileSync(space, ping, { stdio: 'ignore' })).toThrow();
    told.push(...manager.takeAll());
    const { length } = told;
    // Twice the time in which a heartbeat would be due.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    told.push(...manager.takeAll());
    expect(told.slice(length)).not.toContainEqual(expect.stringContaining('WATCHDOG=1'));
    tracer.kill('SIGINT');
    await tracer.finished;
    // The reaction of a service manager.
    running.kill('SIGKILL');
    await running.finished;
  }, 60_000);
});
