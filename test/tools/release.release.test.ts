/** `npm run changeset:version`, run in a copy of the repository. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

/** The only files that may contain the version. */
const WITH_VERSION = ['CHANGELOG.md', 'oclif.manifest.json', 'package-lock.json', 'package.json'];
const CHANGESET = '.changeset/of-this-test.md';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describeWith(['git'], 'a release', () => {
  it('changes only the files that contain the version, and adds CHANGELOG.md to the package', () => {
    const folder = copyOfRepository();
    run(folder, 'npm', 'run', 'changeset:version');

    const { version } = readJson(join(folder, 'package.json'));
    expect(version).not.toBe(readJson(join(REPOSITORY, 'package.json')).version);
    const lock = readJson(join(folder, 'package-lock.json'));
    expect([lock.version, lock.packages![''].version]).toEqual([version, version]);
    expect(readJson(join(folder, 'oclif.manifest.json')).version).toBe(version);
    const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(changelog).toMatch(`\n## ${version}\n`);
    expect(changelog).toContain('Say so.');

    run(folder, 'git', 'add', '--all');
    const changed = lines(run(folder, 'git', 'diff', '--cached', '--name-only'));
    expect(changed.filter((path) => !path.startsWith('.changeset/'))).toEqual(WITH_VERSION);
    expect(existsSync(join(folder, CHANGESET))).toBe(false);
    run(folder, 'npx', 'prettier', '--check', ...WITH_VERSION);

    const [{ files }] = JSON.parse(
      run(folder, 'npm', 'pack', '--dry-run', '--json', '--ignore-scripts'),
    ) as [{ files: { path: string }[] }];
    expect(files.map(({ path }) => path)).toContain('CHANGELOG.md');
  }, 300_000);

  it('needs no change to a page or a program, because none contains the version', () => {
    const named = /(?:\barctun[-@/ ]v?|"version": ?")\d+\.\d+\.\d+/;
    const texts = trackedFiles()
      .filter((path) => !WITH_VERSION.includes(path))
      .map((path) => ({ path, text: readFileSync(join(REPOSITORY, path), 'utf8') }));
    expect(texts.filter(({ text }) => named.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

/** Returns a folder with the files that git tracks, committed, and with a change to release. */
function copyOfRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'arctun-release-'));
  folders.push(folder);
  for (const path of trackedFiles()) cpSync(join(REPOSITORY, path), join(folder, path));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, CHANGESET), "---\n'arctun': patch\n---\n\nSay so.\n");
  const author = ['-c', 'user.name=arctun', '-c', 'user.email=arctun@example.com'];
  run(folder, 'git', 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(folder, '.git/info/exclude'), 'node_modules\n');
  run(folder, 'git', 'add', '--all');
  run(folder, 'git', ...author, 'commit', '--quiet', '--message=arctun: start');
  return folder;
}

/** Tests are omitted: their fakes have versions of their own. */
function trackedFiles(): string[] {
  const paths = lines(run(REPOSITORY, 'git', 'ls-files', '--', '.', ':!test'));
  return paths.filter((path) => existsSync(join(REPOSITORY, path)));
}

function run(cwd: string, command: string, ...parameters: readonly string[]): string {
  return execFileSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { SHELL: '/bin/sh', ...process.env },
  });
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

interface WithVersion {
  readonly version: string;
  readonly packages?: { readonly '': { readonly version: string } };
}

function readJson(path: string): WithVersion {
  return JSON.parse(readFileSync(path, 'utf8')) as WithVersion;
}
