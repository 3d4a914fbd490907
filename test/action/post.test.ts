import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { JobFolder } from '../../src/action/job-folder.js';
import { finishBootstrap, post } from '../../src/action/post.js';
import { Runner } from '../../src/action/runner.js';

/** Stands for an arctun that finishes the bootstrap, unless something else is in its place. */
const FINISHES = `
  [ ! -e arc.json ] && echo '{"simId":"8942"}' >arc.json && rm .arc.json.bootstrap`;

let path: string;
let written: string[];
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'arctun-post-'));
  written = [];
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const runner = (env: Record<string, string> = {}) =>
  new Runner(env, (text) => void written.push(text));
const finish = (folder: JobFolder, script: string) =>
  finishBootstrap(runner(), {
    folder,
    arctun: ['sh', '-c', script],
    env: { PATH: '/usr/bin:/bin' },
  });
const writeJournal = () => writeFileSync(join(path, '.arc.json.bootstrap'), 'x');

it('does nothing if main saved no state', async () => {
  expect(await post(runner(), ['false'])).toBe(0);
});

it('blocks a bootstrap that has not requested a SIM yet', async () => {
  const folder = new JobFolder(path);
  expect(await finish(folder, 'exit 1')).toBe(true);
  expect(readFileSync(folder.arcJson, 'utf8')).toBe('');
});

it('finishes a bootstrap', async () => {
  writeJournal();
  expect(await finish(new JobFolder(path), FINISHES)).toBe(true);
  expect(existsSync(join(path, 'arc.json'))).toBe(true);
});

it('finishes a bootstrap that requests a SIM just before it would be blocked', async () => {
  class LateJournal extends JobFolder {
    #isFirst = true;

    override hasJournal(): boolean {
      const isFirst = this.#isFirst;
      this.#isFirst = false;
      return !isFirst && super.hasJournal();
    }
  }
  writeJournal();
  const folder = new LateJournal(path);
  expect(await finish(folder, FINISHES)).toBe(true);
  expect(readFileSync(folder.arcJson, 'utf8')).toContain('8942');
});

it('needs no journal if arc.json names the SIM', async () => {
  writeJournal();
  writeFileSync(join(path, 'arc.json'), '{}');
  expect(await finish(new JobFolder(path), 'exit 1')).toBe(true);
});

it('gives up after a few attempts, and reports that a SIM may exist', async () => {
  writeJournal();
  expect(await finish(new JobFolder(path), 'echo x >>attempts; exit 1')).toBe(false);
  expect(readFileSync(join(path, 'attempts'), 'utf8')).toBe('x\nx\nx\n');
  expect(written.join('')).toContain('A virtual SIM may have been created');
}, 30_000);
