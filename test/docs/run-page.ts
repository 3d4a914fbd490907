/** Runs the blocks of a page (blocks.ts) in order. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type Block, missingLine, PageError, type Step } from './blocks.js';
import { fixturesOf } from './fixtures/fixtures.js';
import { checkSyntax, importsOf, transpiled } from './languages.js';
import { PageShell } from './page-shell.js';
import { until } from '../support/until.js';

/** The programs that run blocks of other languages than `sh`. */
const PROGRAMS: Readonly<Record<string, { readonly extension: string; readonly program: string }>> =
  {
    js: { extension: 'mjs', program: 'node' },
    mjs: { extension: 'mjs', program: 'node' },
    ts: { extension: 'mjs', program: 'node' },
    py: { extension: 'py', program: 'python3' },
    python: { extension: 'py', program: 'python3' },
  };

/** The output that a `text` block is compared with. */
type Output = () => string;

export class PageRun {
  readonly #shell: PageShell;
  readonly #fixtures = new Set<string>();
  #output: Output | undefined;

  constructor(steps: readonly Step[]) {
    const texts = steps.map((step) => (step.kind === 'block' ? step.text : ''));
    this.#shell = new PageShell(
      [...new Set(texts.flatMap(importsOf))].filter((name) => name !== 'arctun'),
    );
  }

  /** @throws PageError with the line of the block that fails */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      try {
        if (step.kind === 'with') await this.#start(step.names);
        else if (step.notRun === undefined) await this.#block(step);
      } catch (error) {
        throw new PageError(step.line, (error as Error).message);
      }
    }
    this.#shell.checkTerminals();
  }

  close(): Promise<void> {
    return this.#shell.close();
  }

  async #start(names: readonly string[]): Promise<void> {
    for (const [name, { script, stays }] of fixturesOf(names, this.#fixtures)) {
      this.#fixtures.add(name);
      if (stays) await this.#shell.start(`fixture ${name}`, script);
      else await this.#shell.run({ script, exit: 0 });
    }
  }

  async #block(block: Block): Promise<void> {
    const { language, text, file, terminal } = block;
    if (language === 'text' && file === undefined) {
      if (terminal !== undefined) this.#output = () => this.#shell.outputOf(terminal);
      return this.#compare(text);
    }
    checkSyntax(language, text);
    if (file !== undefined) this.#write(file, text);
    else if (language === 'sh' && terminal !== undefined) {
      await this.#shell.start(terminal, text);
      this.#output = () => this.#shell.outputOf(terminal);
    } else if (language === 'sh') await this.#keep({ script: text, exit: block.exit });
    else if (language in PROGRAMS) await this.#program(block);
  }

  async #program({ language, text, line, exit }: Block): Promise<void> {
    const { extension, program } = PROGRAMS[language]!;
    const file = `block-${line}.${extension}`;
    this.#write(file, language === 'ts' ? transpiled(text) : text);
    const script = `(cd /mnt/page/work && ${program} ${file})\n`;
    await this.#keep({ script, exit });
  }

  async #keep(run: { readonly script: string; readonly exit: number }): Promise<void> {
    const output = await this.#shell.run(run);
    this.#output = () => output;
  }

  #write(file: string, text: string): void {
    const path = join(this.#shell.work, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  async #compare(expected: string): Promise<void> {
    const output = this.#output;
    if (output === undefined) throw new Error('no block that ran is above this output');
    // The terminal may print the output a moment later.
    const isThere = (): boolean => missingLine(expected, output()) === undefined;
    await until(isThere, { limit: 30_000 }).catch(() => {
      throw new Error(`not in the output: ${missingLine(expected, output())}\n${output()}`);
    });
  }
}
