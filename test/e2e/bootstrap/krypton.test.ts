/** `bootstrap cellular` and `bootstrap sim` as a user types them, and messages with the results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmulatorProcess, type EmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, Processes } from '../../support/processes.js';
import { itInRelease } from '../../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
afterAll(() => processes.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-krypton-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function arctun(parameters: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return processes.run([process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: { XDG_STATE_HOME: folder, ...env },
  });
}

function cellular(...parameters: readonly string[]) {
  const endpoints = [
    ...['--endpoint', emulator.api],
    ...['--metadata-endpoint', emulator.metadata],
  ];
  return arctun(['bootstrap', 'cellular', ...endpoints, ...parameters]);
}

const readConfig = () =>
  JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as Record<string, unknown>;

it('bootstraps over the cellular line, twice, and sends to every entry point', async () => {
  const first = await cellular();
  const { simId, privateKey } = readConfig();
  expect(first).toEqual({
    code: 0,
    stdout: `Virtual subscriber SIM ID: ${String(simId)}\nCreated/updated configuration file: ${join(folder, 'arc.json')}\n`,
    stderr: '',
  });
  expect(simId).toMatch(/^\d{19}$/);

  const second = await cellular('--json');
  expect(JSON.parse(second.stdout)).toEqual({
    simId,
    path: join(folder, 'arc.json'),
    created: false,
  });
  expect(readConfig().privateKey).not.toBe(privateKey);

  for (const via of ['http', 'tcp', 'udp']) {
    const sent = await arctun(['send', '--via', via, '--json', `{"via":"${via}"}`]);
    expect(sent.code).toBe(0);
  }
  const messages = JSON.stringify(await emulator.messages());
  for (const via of ['http', 'tcp', 'udp']) expect(messages).toContain(via);
}, 120_000);

itInRelease(
  'dumps a configuration that opens a tunnel, without writing a file',
  async () => {
    const dumped = await cellular('--dump-config');
    expect(dumped).toMatchObject({ code: 0, stderr: '' });
    expect(() => readConfig()).toThrow('ENOENT');
    const sent = await arctun(['send', '--via', 'udp', 'x'], { ARCTUN_CONFIG: dumped.stdout });
    expect(sent.code).toBe(0);
  },
  60_000,
);

itInRelease(
  'shows no key in verbose mode',
  async () => {
    const dumped = await arctun(
      ['bootstrap', 'cellular', '--endpoint', emulator.api, '--metadata-endpoint', emulator.api],
      { SORACOM_VERBOSE: '1' },
    );
    expect(dumped.code).toBe(0);
    expect(dumped.stderr).toContain('--- Response dump');
    const { privateKey } = readConfig();
    for (const form of ['base64', 'hex'] as const) {
      const key = Buffer.from(String(privateKey), 'base64').toString(form);
      expect(`${dumped.stdout}${dumped.stderr}`).not.toContain(key);
    }
  },
  60_000,
);

itInRelease(
  'bootstraps with a SIM through krypton-cli',
  async () => {
    const program = join(folder, 'krypton-cli');
    const url = new URL('/v1/provisioning/soracom/arc/bootstrap', emulator.api).href;
    writeFileSync(
      program,
      `#!${process.execPath}
const headers = { 'Content-Type': 'application/json' };
const answer = await fetch('${url}', { method: 'POST', headers, body: '{}' });
console.log(await answer.text());
`,
      { mode: 0o755 },
    );
    // Without an extension the program would be CommonJS, which does not support await.
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const result = await arctun(['bootstrap', 'sim', '--krypton-cli-path', program], {
      SORACOM_VERBOSE: '1',
    });
    expect(result).toMatchObject({
      code: 0,
      stdout: `Created/updated configuration file: ${join(folder, 'arc.json')}\n`,
    });
    expect(result.stderr).toMatch(
      /^Running .* \[-operation bootstrapArc .* -debug\]\nGot response/,
    );
    expect(result.stderr).not.toContain(String(readConfig().privateKey));
    expect((await arctun(['send', '--via', 'tcp', 'x'])).code).toBe(0);
  },
  60_000,
);

it('explains what to do without krypton-cli', async () => {
  const missing = join(folder, 'nowhere');
  const result = await arctun(['bootstrap', 'sim', '--krypton-cli-path', missing]);
  expect(result).toMatchObject({ code: 3, stdout: '' });
  expect(result.stderr).toContain(`cannot run krypton-cli: ${missing}: the program was not found`);
  expect(result.stderr).toContain('--krypton-cli-path');
}, 60_000);

itInRelease.each([
  [['bootstrap', 'authkeyy']],
  [['bootstrap', 'cellular', '--json', '--dump-config']],
  [['bootstrap', 'sim', '--baud-rate', 'fast']],
  [['send', '--via', 'smoke', 'x']],
  [['send', '--via', 'udp', '--timeout', '0', 'x']],
])(
  'treats %j as wrong usage',
  async (parameters) => {
    expect(await arctun(parameters)).toMatchObject({ code: 2, stdout: '' });
  },
  60_000,
);
