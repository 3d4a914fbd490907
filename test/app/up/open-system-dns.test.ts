import { openSystemDns } from '../../../src/app/up/open-system-dns.js';
import type { RunningTunnel } from '../../../src/app/up/running-tunnel.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { FakeCommands } from '../fake-commands.js';

const commands = new FakeCommands();
const NAMES = { nameServers: ['192.0.2.1'], interfaceName: 'arc0' };
const SETUP = { manager: 'resolvconf', domains: [] } as const;

const running = {
  close: (graceMs: number) => {
    commands.ran.push({ line: `close ${graceMs}`, options: {} });
    return Promise.resolve();
  },
} as unknown as RunningTunnel;

function open(dnsSetup: typeof SETUP | undefined, signal = new AbortController().signal) {
  const ports = { commands, log: new RecordingLog() };
  return openSystemDns(running, { ...NAMES, dnsSetup, signal }, ports);
}

beforeEach(() => {
  commands.ran.length = 0;
  commands.ends.clear();
});

it('changes nothing unless the user wants that', async () => {
  expect(await open(undefined)).toBe(running);
  expect(commands.lines).toEqual([]);
});

it('puts the settings back before the tunnel closes', async () => {
  const opened = await open(SETUP);
  commands.ran.length = 0;
  await opened.close(5000);
  expect(commands.lines).toEqual(['resolvconf -d tun.arc0 -f', 'close 5000']);
});

it('closes the tunnel at once if DNS cannot be set up', async () => {
  commands.ends.set('resolvconf', { exitCode: 1, stderr: 'no' });
  await expect(open(SETUP)).rejects.toMatchObject({ why: 'no' });
  expect(commands.lines.at(-1)).toBe('close 0');
  commands.ran.length = 0;
  await expect(open(SETUP, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  expect(commands.lines.at(-1)).toBe('close 0');
});
