import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CommandRunner } from '../../../src/ports/command-runner.js';
import { systemCommands } from '../../../src/system/process/command-runner.js';
import { type Libc, loadLibc } from '../../../src/system/linux/libc.js';
import {
  openServiceManager,
  ServiceNotifications,
  takeServiceEnvironment,
} from '../../../src/system/process/service-notifications.js';
import { FakeCommands } from '../../app/fake-commands.js';
import { NotifySocket } from '../../support/notify-socket.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { describeWith } from '../../support/runner/requirements.js';

const FAILED = 'cannot notify the service manager';

describe('the environment of a service', () => {
  const take = (env: Record<string, string | undefined>) => {
    const environment = takeServiceEnvironment(env, 42);
    return [environment, env];
  };

  it('is read and removed, so that child processes do not inherit it', () => {
    const env = { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '120000000', WATCHDOG_PID: '42', PATH: '/' };
    expect(take(env)).toEqual([{ socket: '@n', watchdogTimeout: 120_000 }, { PATH: '/' }]);
  });

  it('has a watchdog without WATCHDOG_PID, and none for another process', () => {
    const env = { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1500' };
    expect(take({ ...env })[0]).toMatchObject({ watchdogTimeout: 1.5 });
    const others = { ...env, WATCHDOG_PID: '43' };
    expect(take(others)).toEqual([{ socket: '/n', watchdogTimeout: undefined }, {}]);
  });

  it.each(['0', '', '-1', '1.5', '1e6', '12x', '18446744073709551615'])(
    'has no watchdog with %j',
    (microseconds) => {
      const env = { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: microseconds };
      expect(take(env)).toEqual([{ socket: '/n', watchdogTimeout: undefined }, {}]);
    },
  );

  it.each([undefined, ''])('is ignored if NOTIFY_SOCKET is %j', async (socket) => {
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000' };
    expect(take(env)).toEqual([undefined, {}]);
    const ports = { commands: new FakeCommands(), log: new RecordingLog() };
    await expect(openServiceManager(ports, undefined)).resolves.toBeUndefined();
  });

  it('is by default that of the process', () => {
    process.env.NOTIFY_SOCKET = '@of-the-process';
    expect(takeServiceEnvironment()).toMatchObject({ socket: '@of-the-process' });
    expect(process.env.NOTIFY_SOCKET).toBeUndefined();
  });
});

describeWith(['linux', 'koffi'], 'a service manager', () => {
  let folder: string;
  let socket: string;
  let receiver: NotifySocket;
  let libc: Libc;
  let log: RecordingLog;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-notify-'));
    socket = join(folder, 'notify');
    receiver = await NotifySocket.bind(socket);
    libc = (await loadLibc())!;
    log = new RecordingLog();
  });
  afterEach(() => {
    receiver.close();
    rmSync(folder, { recursive: true });
  });

  const open = (name: string, commands: CommandRunner = new FakeCommands(), by?: Libc) =>
    new ServiceNotifications({ socket: name, watchdogTimeout: 1 }, { commands, log }, by);

  it('gets a datagram for each state, in order', async () => {
    const manager = open(socket, undefined, libc);
    void manager.notify({ READY: '1', STATUS: 'Tunnel is up' });
    void manager.notify({ WATCHDOG: '1' });
    await manager.notify({ STOPPING: '1' });
    expect(receiver.takeAll()).toEqual([
      'READY=1\nSTATUS=Tunnel is up',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
    expect(log.lines).toEqual([]);
  });

  it('is that of the environment', async () => {
    const environment = { socket, watchdogTimeout: 60_000 };
    const manager = await openServiceManager({ commands: new FakeCommands(), log }, environment);
    expect(manager!.watchdogTimeout).toBe(60_000);
    await manager!.notify({ READY: '1' });
    expect(receiver.takeAll()).toEqual(['READY=1']);
  });

  it('receives only its own messages, and no more than it reads', async () => {
    const manager = open(socket, undefined, libc);
    await manager.notify({ STATUS: 'one\nREADY=1\r\n\0two' });
    await manager.notify({ STATUS: '語'.repeat(5_000) });
    const [one, two] = receiver.takeAll();
    expect(one).toBe('STATUS=one READY=1 two');
    expect(Buffer.byteLength(two!)).toBeLessThan(4096);
  });

  it('receives the start time of a reload, by its own clock', async () => {
    const clock = () => {
      const time = new BigInt64Array(2);
      const bytes = new Uint8Array(time.buffer);
      libc.bind('int clock_gettime(int, _Out_ void *)')(1, bytes);
      return Number(time[0]) * 1_000_000 + Number(time[1]) / 1000;
    };
    const before = Math.floor(clock());
    await open(socket, undefined, libc).notify({ RELOADING: '1' });
    const after = clock();
    const [datagram] = receiver.takeAll();
    const [, microseconds] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(datagram!)!;
    expect(Number(microseconds)).toBeGreaterThanOrEqual(before);
    expect(Number(microseconds)).toBeLessThanOrEqual(after);
  });

  it('is notified after it has room again', async () => {
    const manager = open(socket, undefined, libc);
    const states = Array.from({ length: 1_000 }, (_, n) => ({ STATUS: String(n) }));
    const heard: string[] = [];
    const reader = setInterval(() => heard.push(...receiver.takeAll()), 1);
    await Promise.all(states.map((state) => manager.notify(state)));
    clearInterval(reader);
    heard.push(...receiver.takeAll());
    expect(heard).toEqual(states.map(({ STATUS }) => `STATUS=${STATUS}`));
  });

  it('causes one warning, but no error, if it no longer exists', async () => {
    receiver.close();
    const manager = open(socket, undefined, libc);
    await manager.notify({ READY: '1' });
    await manager.notify({ WATCHDOG: '1' });
    expect(log.lines).toEqual([
      { level: 'warn', fields: { reason: 'sendto: ECONNREFUSED' }, message: FAILED },
    ]);
    receiver = await NotifySocket.bind(`@${folder}`);
  });

  it.each(['vsock:2:1234', 'notify', '/', `/${'x'.repeat(200)}`])(
    'is not contacted at %s',
    async (name) => {
      const commands = new FakeCommands();
      for (const by of [libc, undefined]) await open(name, commands, by).notify({ READY: '1' });
      expect(log.messages('warn')[0]).toBe(FAILED);
      if (name.length < 100) expect(commands.lines).toEqual([]);
    },
  );

  it('is notified by systemd-notify if the C library does not load', async () => {
    const commands = new FakeCommands();
    const manager = open(socket, commands);
    void manager.notify({ READY: '1', STATUS: 'a b' });
    await manager.notify({ WATCHDOG: '1' });
    expect(commands.lines).toEqual([
      'systemd-notify READY=1 STATUS=a b',
      'systemd-notify WATCHDOG=1',
    ]);
    expect(commands.ran[0]!.options).toMatchObject({ environment: { NOTIFY_SOCKET: socket } });
    commands.ends.set('systemd-notify', { exitCode: 1, stderr: 'no such socket\n' });
    await manager.notify({ WATCHDOG: '1' });
    expect(log.lines[0]!.fields).toEqual({ reason: 'systemd-notify: no such socket' });
  });
});

describeWith(['linux', 'koffi', 'systemd-notify'], 'systemd-notify', () => {
  it('delivers the same', async () => {
    const socket = `@arctun-notify-${process.pid}`;
    const receiver = await NotifySocket.bind(socket);
    const heard: string[] = [];
    // It waits until the sent datagrams are read.
    const reader = setInterval(() => heard.push(...receiver.takeAll()), 1);
    try {
      const log = new RecordingLog();
      const environment = { socket, watchdogTimeout: undefined };
      const ports = { commands: systemCommands, log };
      await new ServiceNotifications(environment, ports, undefined).notify({
        READY: '1',
        STATUS: 'Tunnel is up',
      });
      expect(log.lines).toEqual([]);
      const lines = heard.flatMap((datagram) => datagram.trim().split('\n'));
      expect(lines).toEqual(expect.arrayContaining(['READY=1', 'STATUS=Tunnel is up']));
    } finally {
      clearInterval(reader);
      receiver.close();
    }
  });
});
