/** The units of deploy/systemd, as systemd and arctun's command line read them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { privateRun } from '../support/private-run.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const FOLDER = `${REPOSITORY}deploy/systemd/`;
const FILES = readdirSync(FOLDER);
const UNITS = FILES.filter((name) => name.endsWith('.service'));
const SOCKETS = FILES.filter((name) => name.endsWith('.socket'));
/** Tenths: the limit for `systemd-analyze security`. soratun's sample unit has 94. */
const MOST_EXPOSURE: Readonly<Record<string, number>> = {
  'arctun.service': 12,
  'arctun-tun.service': 18,
  'arctun@.service': 12,
};
const TEMPLATE = 'arctun@.service';
const EXECUTABLE = '/usr/bin/arctun';

interface Flag {
  readonly env?: string;
  readonly default?: string;
  readonly description?: string;
}

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, Flag>> }>>;
}
const manifest = JSON.parse(readFileSync(`${REPOSITORY}oclif.manifest.json`, 'utf8')) as Manifest;

const textOf = (unit: string) => readFileSync(FOLDER + unit, 'utf8');

/** All values of a setting. */
function settings(unit: string, name: string): string[] {
  const lines = textOf(unit).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

it('exist for two modes, for several SIMs, and for the ports', () => {
  expect(UNITS).toEqual(Object.keys(MOST_EXPOSURE).sort());
  expect(SOCKETS).toEqual(['arctun-forward.socket', 'arctun-proxy.socket']);
  expect(FILES).toHaveLength(UNITS.length + SOCKETS.length);
});

describe.each(UNITS)('%s', (unit) => {
  it('uses only existing flags and variables', () => {
    const [line = ''] = settings(unit, 'ExecStart');
    const [program, command = '', ...parameters] = line.split(' ');
    expect(program).toBe(EXECUTABLE);
    const { flags } = manifest.commands[command]!;
    for (const flag of parameters.filter((word) => word.startsWith('-'))) {
      expect(Object.keys(flags)).toContain(flag.replace(/^--/, ''));
    }
    const variables = Object.values(flags).map(({ env }) => env);
    const used = textOf(unit).match(/ARCTUN_\w+/g) ?? [];
    expect(used.length).toBeGreaterThan(0);
    for (const name of used) expect(variables).toContain(name);
  });

  it('reads its credential, keeps a state folder, and does not restart after a permanent error', () => {
    const name = unit === TEMPLATE ? '%i' : 'arc';
    expect(settings(unit, 'LoadCredential')).toEqual([`arc.json:/etc/arctun/${name}.json`]);
    expect(settings(unit, 'ExecStart')[0]).toContain('--config %d/arc.json');
    const folder = unit === TEMPLATE ? 'arctun-%i' : 'arctun';
    expect(settings(unit, 'StateDirectory')).toEqual([folder]);
    expect(settings(unit, 'RuntimeDirectory')).toEqual([folder]);
    expect(settings(unit, 'User')).toEqual([folder]);
    expect(settings(unit, 'RestartPreventExitStatus')).toEqual(['2 3 6']);
    expect(settings(unit, 'Type')).toEqual(['notify-reload']);
  });

  it('kills a process that hangs and ignores the watchdog’s signal', () => {
    expect(settings(unit, 'WatchdogSec')).toEqual(['120']);
    expect(settings(unit, 'TimeoutAbortSec')).toEqual(['30']);
  });

  it('lets V8 compile', () => {
    expect(settings(unit, 'MemoryDenyWriteExecute')).toEqual([]);
  });
});

it('the template differs from the userspace unit only in what belongs to the instance', () => {
  const lines = (unit: string) =>
    textOf(unit)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
  const instance = lines(TEMPLATE).filter((line) => line.includes('%i'));
  expect(instance.map((line) => line.split('=')[0])).toEqual([
    ...['Description', 'EnvironmentFile', 'LoadCredential', 'StateDirectory'],
    ...['RuntimeDirectory', 'User'],
  ]);
  const common = (unit: string) =>
    lines(unit).filter((line) => !/^(Description|Documentation)=|%i/.test(line));
  expect(common(TEMPLATE)).toEqual(
    common('arctun.service').filter(
      (line) => !/^(LoadCredential|StateDirectory|RuntimeDirectory|User)=/.test(line),
    ),
  );
});

it.each([
  ['arctun-forward.socket', 'forward', 'forward-listen'],
  ['arctun-proxy.socket', 'proxy', 'proxy-listen'],
])('%s opens the default port of the listener "%s"', (socket, name, flag) => {
  const { flags } = manifest.commands.up!;
  expect(settings(socket, 'FileDescriptorName')).toEqual([name]);
  expect(settings(socket, 'Service')).toEqual(['arctun.service']);
  const [address = ''] = settings(socket, 'ListenStream');
  const { default: value, description = '' } = flags[flag]!;
  expect(value ?? description).toContain(address);
});

it('only the unit with an interface has a capability, and only one', () => {
  expect(settings('arctun.service', 'CapabilityBoundingSet')).toEqual(['']);
  expect(settings('arctun.service', 'AmbientCapabilities')).toEqual(['']);
  expect(settings('arctun-tun.service', 'CapabilityBoundingSet')).toEqual(['CAP_NET_ADMIN']);
  expect(settings('arctun-tun.service', 'AmbientCapabilities')).toEqual(['CAP_NET_ADMIN']);
  expect(settings('arctun-tun.service', 'DeviceAllow')).toEqual(['/dev/net/tun rw']);
});

it('removes blocking routes after a tunnel with an interface stops, and never otherwise', () => {
  const [line = ''] = settings('arctun-tun.service', 'ExecStopPost');
  const script = /^\/bin\/sh -c '(.*)'$/.exec(line)?.[1] ?? '';
  const run = (result: string) =>
    spawnSync('/bin/sh', ['-c', script.replace(EXECUTABLE, 'echo')], {
      encoding: 'utf8',
      env: { SERVICE_RESULT: result, CREDENTIALS_DIRECTORY: '/c' },
    });
  expect(run('success')).toMatchObject({
    stdout: 'up --cleanup --config /c/arc.json\n',
    status: 0,
  });
  for (const result of ['signal', 'watchdog', 'oom-kill', 'timeout', 'exit-code', 'core-dump']) {
    expect(run(result)).toMatchObject({ stdout: '', status: 0 });
  }
});

describeWith(['systemd-analyze', 'writable-run'], 'systemd-analyze', () => {
  /** Only an instance of a template can start. */
  const started = (unit: string) => unit.replace('@.', '@office.');
  const prefix = privateRun() ?? [];
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-units-'));
    // It requires the executable to exist.
    for (const unit of FILES) {
      const path = join(folder, started(unit));
      writeFileSync(path, textOf(unit).replaceAll(EXECUTABLE, process.execPath));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const analyze = (...parameters: string[]) => {
    const command = [...prefix, 'systemd-analyze', '--no-pager', ...parameters];
    const { status, stdout, stderr } = spawnSync('env', command, { encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };

  it.each(FILES)('verifies %s without messages', (unit) => {
    expect(analyze('verify', '--man=no', join(folder, started(unit)))).toEqual({
      status: 0,
      text: '',
    });
  });

  it.each(UNITS)('rates the exposure of %s as low', (unit) => {
    const threshold = `--threshold=${MOST_EXPOSURE[unit]}`;
    const { status, text } = analyze(
      'security',
      '--offline=true',
      threshold,
      join(folder, started(unit)),
    );
    expect({ status, verdict: /Overall exposure level.*/.exec(text)?.[0] }).toMatchObject({
      status: 0,
      verdict: expect.stringContaining('OK') as string,
    });
  });
});
