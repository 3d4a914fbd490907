import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

it('quotes the command that terminates the SIM, and does not show the secret', () => {
  run.simId = '8942310022000012345';
  const { terminateCommand } = run;
  expect(terminateCommand).toMatch(
    / sim terminate 8942310022000012345 --yes --profile '.*user.*'$/,
  );
  expect(terminateCommand).not.toContain('secret-1');
});
