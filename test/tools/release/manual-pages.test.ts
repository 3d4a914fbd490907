/** The manual pages, as man and mandoc read them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { manualPages } from '../../../tools/release/manual-pages.js';
import { EXIT_CODES } from '../../../src/cli/errors/exit-codes.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

interface Flag {
  readonly name: string;
  readonly hidden?: boolean;
  readonly env?: string;
}
interface Manifest {
  readonly commands: Readonly<
    Record<string, { readonly flags: Readonly<Record<string, Flag>>; readonly examples: string[] }>
  >;
}

const manifest = JSON.parse(readFileSync(`${REPOSITORY}oclif.manifest.json`, 'utf8')) as Manifest;
const release = { version: '1.2.3', date: '2026-02-03', description: 'A tunnel: to SORACOM' };
const pages: Map<string, string> = manualPages(manifest, release, EXIT_CODES);

const command = {
  id: 'sim:show',
  description: "Show a SIM.\nDoes not change it. '.x' and \\ stay.",
  aliases: [],
  hiddenAliases: ['ss'],
  args: { sim_id: { name: 'sim_id', description: 'The SIM.', required: true } },
  examples: ["<%= config.bin %> <%= command.id %> --key '.a' ~/x"],
  flags: {
    key: {
      name: 'key',
      char: 'k',
      type: 'option',
      env: 'K',
      default: '-1',
      description: 'The key.',
    },
    secret: { name: 'secret', type: 'option', description: 'Hidden.', hidden: true },
  },
};
const small: Map<string, string> = manualPages({ commands: { 'sim:show': command } }, release, {
  usage: 2,
});

it('exist for every command, with an overview that lists them', () => {
  const names = Object.keys(manifest.commands).map((id) => `arctun-${id.replaceAll(':', '-')}.1`);
  expect([...pages.keys()]).toEqual(['arctun.1', ...names]);
});

describeWith(['groff'], 'man', () => {
  const shown = (page: string) =>
    execFileSync('groff', ['-ww', '-man', '-Tascii', '-P-cbou', '-rLL=200n'], {
      input: page,
      encoding: 'utf8',
    });

  it('shows the usage of a command', () => {
    const text = shown(small.get('arctun-sim-show.1')!);
    expect(text).toMatch(/^ARCTUN-SIM-SHOW\(1\) +arctun manual +ARCTUN-SIM-SHOW\(1\)$/m);
    expect(text).toMatch(/^ +arctun-sim-show - show a SIM$/m);
    expect(text).toMatch(/^ +arctun sim show SIM_ID \[FLAGS\]\n +arctun ss$/m);
    expect(text).toMatch(/^ +Does not change it\. +'\.x' and \\ stay\.$/m);
    expect(text).toMatch(/^ +SIM_ID +The SIM\.$/m);
    expect(text).toMatch(/^ +-k, --key VALUE\n +The key\. +Default: -1\. +Environment: K\.$/m);
    expect(text).toMatch(/^ +-h, --help\n +Show help\.$/m);
    expect(text).toMatch(/^ +2 +Wrong usage/m);
    expect(text).toMatch(/^ +arctun sim show --key '\.a' ~\/x$/m);
    expect(text).toMatch(/1\.2\.3 +2026-02-03/);
    expect(text).not.toContain('Hidden');
  });

  it.each([...pages.keys()])('reads %s without a warning, with all flags', (name) => {
    const { stdout, stderr } = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-P-cbou'], {
      input: pages.get(name)!,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const id = Object.keys(manifest.commands).find(
      (each) => name === `arctun-${each.replaceAll(':', '-')}.1`,
    );
    for (const flag of Object.values(id === undefined ? {} : manifest.commands[id]!.flags)) {
      expect(stdout.includes(`--${flag.name}`) || stdout.includes(`--[no-]${flag.name}`)).toBe(
        flag.hidden !== true,
      );
      if (flag.env !== undefined) expect(stdout).toContain(flag.env);
    }
    // Nothing of a template or of Markdown is left.
    expect(stdout).not.toMatch(/<%=|`|\]\(/);
  });
});

describeWith(['mandoc'], 'mandoc', () => {
  it('finds no fault in any page', () => {
    const folder = mkdtempSync(join(tmpdir(), 'arctun-manual-'));
    for (const [name, page] of pages) writeFileSync(join(folder, name), page);
    const files = [...pages.keys()].map((name) => join(folder, name));
    const { stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', '-W', 'style', ...files], {
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect(stdout + stderr).toBe('');
  });
});
