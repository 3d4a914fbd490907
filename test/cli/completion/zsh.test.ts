import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { zshScript } from '../../../src/cli/completion/zsh.js';
import { Processes, type TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { COMPLETIONS, nasty, SAMPLE_LINE } from './sample.js';

/** ^X completes and shows the line, ^Y lists the choices. */
const SETTINGS = `
PROMPT='' RPROMPT=''
zstyle ':completion:*' insert-tab false
autoload -U compinit
compinit -D -u
source ./script
_complete_and_show() { zle complete-word; local line=$BUFFER; BUFFER=''; zle -I; print -r -- "LINE<$line>" }
_list_and_show() { zle list-choices; BUFFER=''; zle -I; print -r -- "LISTED" }
zle -N _complete_and_show
zle -N _list_and_show
bindkey '^X' _complete_and_show
bindkey '^Y' _list_and_show
print READY
`;

describeWith(['zsh', 'script'], 'zsh', () => {
  const processes = new Processes();
  let folder: string;
  let shell: TestProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-zsh-'));
    writeFileSync(join(folder, 'notes one.txt'), '');
    writeFileSync(join(folder, 'script'), zshScript(SAMPLE_LINE));
    writeFileSync(join(folder, 'settings'), SETTINGS);
    shell = processes.start(['script', '-qefc', 'stty cols 500; exec zsh -f -i', '/dev/null'], {
      cwd: folder,
      env: { TERM: 'dumb', HOME: folder },
      interactive: true,
    });
    shell.type('source ./settings\n');
    await shell.output(/READY\r/, 'stdout', 60_000);
  }, 90_000);
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  /** The shell's output for a line and a key. */
  async function answer(line: string, key: string, end: RegExp): Promise<string> {
    shell.stdout = '';
    shell.type(`arctun ${line}${key}`);
    return (await shell.output(end, 'stdout', 60_000))[1]!;
  }

  const complete = (line: string) => answer(line, '\x18', /LINE<arctun (.*)>/);

  it.each(COMPLETIONS.filter(([, words]) => words.length === 1))(
    'completes "%s"',
    async (line, [word = '']) => {
      const before = line.slice(0, line.lastIndexOf(' ') + 1);
      const completed = await complete(line);
      // A flag that takes a value may be completed with its equals sign.
      expect(completed.replace(/[ =]$/, '')).toBe(`${before}${word.replace(' ', '\\ ')}`);
    },
    90_000,
  );

  it.each(COMPLETIONS.filter(([, words]) => words.length === 0))(
    'offers nothing for "%s"',
    async (line) => {
      expect(await complete(line)).toBe(line);
    },
    90_000,
  );

  it('completes a value after an equals sign', async () => {
    expect(await complete('up --mode=us')).toBe('up --mode=userspace ');
  }, 90_000);

  it.each([
    ['', 'config', 'up'],
    ['up -', '--json', '--mode'],
  ])(
    'lists the choices for "%s" with their descriptions',
    async (line, first, last) => {
      const listed = await answer(
        line,
        '\x19',
        new RegExp(`LISTED([^]*${first} [^]*${last} [^]*)\n`),
      );
      for (const word of [first, last]) {
        expect(listed).toMatch(new RegExp(`${word} .*-- `));
        expect(listed).toContain(`-- ${nasty(word.replace('--', ''))}`);
      }
    },
    90_000,
  );
});
