/** The units of deploy/systemd, as systemd and arctun's command line read them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { privateRun } from '../support/private-run.js';
import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const FOLDER = `${REPOSITORY}deploy/systemd/`;
const UNITS = readdirSync(FOLDER);
/** Tenths: the limit for `systemd-analyze security`. soratun's sample unit has 94. */
const MOST_EXPOSURE: Readonly<Record<string, number>> = {
  'arctun.service': 12,
  'arctun-tun.service': 18,
};
const EXECUTABLE = '/usr/bin/arctun';

interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly flags: Readonly<Record<string, { readonly env?: string }>> }>
  >;
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

it('exist for two modes', () => {
  expect(UNITS).toEqual(Object.keys(MOST_EXPOSURE).sort());
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
    expect(settings(unit, 'LoadCredential')).toEqual(['arc.json:/etc/arctun/arc.json']);
    expect(settings(unit, 'ExecStart')[0]).toContain('--config %d/arc.json');
    expect(settings(unit, 'StateDirectory')).toEqual(['arctun']);
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
  const prefix = privateRun() ?? [];
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-units-'));
    // It requires the executable to exist.
    for (const unit of UNITS) {
      writeFileSync(join(folder, unit), textOf(unit).replaceAll(EXECUTABLE, process.execPath));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const analyze = (...parameters: string[]) => {
    const command = [...prefix, 'systemd-analyze', '--no-pager', ...parameters];
    const { status, stdout, stderr } = spawnSync('env', command, { encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };

  it.each(UNITS)('verifies %s without messages', (unit) => {
    expect(analyze('verify', '--man=no', join(folder, unit))).toEqual({ status: 0, text: '' });
  });

  it.each(UNITS)('rates the exposure of %s as low', (unit) => {
    const threshold = `--threshold=${MOST_EXPOSURE[unit]}`;
    const { status, text } = analyze('security', '--offline=true', threshold, join(folder, unit));
    expect({ status, verdict: /Overall exposure level.*/.exec(text)?.[0] }).toMatchObject({
      status: 0,
      verdict: expect.stringContaining('OK') as string,
    });
  });
});
