import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fishScript } from '../../../src/cli/completion/fish.js';
import { describeWith } from '../../support/runner/requirements.js';
import { COMPLETIONS, nasty, SAMPLE_LINE } from './sample.js';

describeWith(['fish'], 'fish', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-fish-'));
    writeFileSync(join(folder, 'notes one.txt'), '');
    writeFileSync(join(folder, 'script'), fishScript(SAMPLE_LINE));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The completions of fish, each with its description after a tab. */
  function complete(line: string): string[] {
    const program = 'source ./script; complete -C $argv[1]';
    const output = execFileSync('fish', ['--no-config', '-c', program, '--', `arctun ${line}`], {
      cwd: folder,
      encoding: 'utf8',
      // The path of fish's history.
      env: { ...process.env, HOME: folder },
    });
    return output.split('\n').filter((offer) => offer !== '');
  }

  it.each(COMPLETIONS)(
    'completes "%s"',
    (line, words) => {
      const offered = complete(line).map((offer) => offer.split('\t')[0]!.replaceAll('\\', ''));
      expect(offered).toEqual(words);
    },
    60_000,
  );

  it('completes a value after an equals sign', () => {
    expect(complete('up --mode=us')[0]).toMatch(/^--mode=userspace(?:\t|$)/);
  }, 60_000);

  it('shows descriptions unchanged', () => {
    expect(complete('conf')).toEqual([`config\t${nasty('config')}`]);
    expect(complete('up --jso')).toEqual([`--json\t${nasty('json')}`]);
  }, 60_000);
});
