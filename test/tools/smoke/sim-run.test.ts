import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readSettings } from '../../../tools/smoke/soracom/settings.js';
import { SimRun } from '../../../tools/smoke/soracom/sim-run.js';

let workingFolder: string;
let run: SimRun;
beforeEach(() => {
  workingFolder = mkdtempSync(join(tmpdir(), 'arctun-smoke-'));
  const settings = readSettings(['--profile', 'the "user"', '--auth-key', 'secret-1']);
  run = new SimRun({ settings, workingFolder, startedAt: '2026-11-30T00-00-00Z' });
  run.prepare();
});
afterEach(() => rmSync(workingFolder, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(run.folder, name), text);

describe('what remains', () => {
  it('is nothing before a SIM is requested, and after it is terminated', () => {
    expect(run.remains).toBeUndefined();
    run.simId = '8942310022000012345';
    write('arc.json', '{"simId":"8942310022000012345"}');
    run.forget();
    expect(run.remains).toBeUndefined();
  });

  it('is possibly a SIM while a command creates one, and after that was interrupted', () => {
    const text = `SORACOM may have created a virtual SIM, which it bills.\nThe folder ${run.folder} belongs to it.`;
    run.isCreating = true;
    expect(run.remains).toContain(text);
    run.isCreating = false;
    write('.arc.json.bootstrap', '{}');
    expect(run.remains).toContain(text);
  });

  it('is the SIM of arc.json that a command has just written', () => {
    run.isCreating = true;
    write('arc.json', '{"simId":"8942310022000012345"}');
    expect(run.remains).toMatch(/^The virtual SIM 8942310022000012345 may still be billed/);
  });

  it('is possibly a SIM if arc.json cannot be read', () => {
    write('arc.json', '{');
    expect(run.remains).toContain('SORACOM may have created a virtual SIM');
  });
});

describe('the claim', () => {
  const claimed = () => readFileSync(join(run.folder, 'pid'), 'utf8');

  it('is refused while another process holds it', () => {
    write('pid', String(process.ppid));
    expect(run.claim()).toBe(process.ppid);
    expect(claimed()).toBe(String(process.ppid));
  });

  it('replaces that of a process that has ended', () => {
    const { pid } = spawnSync(process.execPath, ['--eval', '']);
    write('pid', String(pid));
    expect(run.claim()).toBeUndefined();
    expect(claimed()).toBe(String(process.pid));
  });

  it.each(['', 'x', '-1'])('replaces an invalid one: %j', (text) => {
    write('pid', text);
    expect(run.claim()).toBeUndefined();
    expect(claimed()).toBe(String(process.pid));
  });

  it('creates the file, and does not write to one that appears meanwhile', () => {
    // To a check before the creation, the file of a dangling link is missing.
    symlinkSync(join(run.folder, 'other'), join(run.folder, 'pid'));
    expect(run.claim()).toBeUndefined();
    expect(existsSync(join(run.folder, 'other'))).toBe(false);
    expect(lstatSync(join(run.folder, 'pid')).isFile()).toBe(true);
  });

  it('is kept when the SIM of an earlier run is forgotten', () => {
    run.claim();
    run.simId = '8942310022000012345';
    write('arc.json', '{"simId":"8942310022000012345"}');
    write('.arc.json.bootstrap', '{}');
    run.forgetEarlier();
    expect(readdirSync(run.folder)).toEqual(['pid']);
    expect(run.remains).toBeUndefined();
  });
});

it('quotes the command that terminates the SIM, and does not show the secret', () => {
  run.simId = '8942310022000012345';
  const { terminateCommand } = run;
  expect(terminateCommand).toMatch(
    / sim terminate 8942310022000012345 --yes --profile '.*user.*'$/,
  );
  expect(terminateCommand).not.toContain('secret-1');
});
