import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bashScript } from '../../../src/cli/completion/bash.js';
import { describeWith } from '../../support/runner/requirements.js';
import { COMPLETIONS, SAMPLE_LINE } from './sample.js';

describeWith(['bash'], 'bash', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-bash-'));
    writeFileSync(join(folder, 'notes one.txt'), '');
    writeFileSync(join(folder, 'script'), bashScript(SAMPLE_LINE));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The completions that the script's function offers for words that bash has split. */
  function complete(...words: readonly string[]): string[] {
    const program = `source ./script
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _arctun 2>errors
      printf '%s\\n' "\${COMPREPLY[@]}"
      cat errors`;
    const command = ['--norc', '--noprofile', '-c', program, 'bash', 'arctun', ...words];
    const output = execFileSync('bash', command, { cwd: folder, encoding: 'utf8' });
    return output.split('\n').filter((line) => line !== '');
  }

  it.each(COMPLETIONS)('completes "%s"', (line, words) => {
    const offered = complete(...line.split(' '));
    // Flags are also offered in place of a word.
    expect(offered.filter((word) => line.includes('-') || !word.startsWith('-'))).toEqual(words);
  });

  it('completes a value after an equals sign, which splits the word', () => {
    expect(complete('up', '--mode', '=', 'us')).toEqual(['userspace']);
    expect(complete('up', '--mode', '=')).toEqual(['auto', 'tun', 'userspace']);
  });

  it('offers the flags of a command without arguments', () => {
    expect(complete('sim', 'list', '-')).toEqual(['--since', '--help', '-h']);
  });

  it('is registered for the command', () => {
    const program = 'source ./script; complete -p arctun';
    const output = execFileSync('bash', ['--norc', '-c', program], { cwd: folder });
    expect(output.toString()).toBe('complete -F _arctun arctun\n');
  });
});
