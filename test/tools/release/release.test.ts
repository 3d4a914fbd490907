/** What `npm run release` checks before it builds anything, and what it leaves if a step fails. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

function release(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder = REPOSITORY,
  input = '',
) {
  const script = join(folder, 'tools/release/release.js');
  const unset = { npm_config_dry_run: undefined, SOURCE_DATE_EPOCH: undefined };
  const options = { encoding: 'utf8', input, env: { ...process.env, ...unset, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], options);
  return { status, stdout, stderr };
}

it('does nothing without being asked to publish or not to', () => {
  expect(release([])).toEqual({
    status: 2,
    stdout: '',
    stderr: 'Usage: npm run release -- --dry-run | --publish\n',
  });
});

it('names everything that is missing before it builds', () => {
  const { status, stdout, stderr } = release(['--dry-run'], { PATH: '/absent' });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    process.platform === 'linux' && process.arch === 'x64'
      ? /^This machine lacks git, dpkg-deb, readelf, qemu-aarch64-static.*\nOn Debian, run: apt-get install git dpkg binutils qemu-user-static/
      : /^A release is built on Linux on x86_64/,
  );
});

describeWith(
  ['linux', 'git', 'dpkg-deb', 'readelf', 'qemu-aarch64-static', 'arm64-libraries'],
  'in a repository',
  () => {
    let folder: string;
    const git = (...words: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words], {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    /** The release in build/release, and the part of one that an earlier run left. */
    const built = () => existsSync(join(folder, 'build/release'));

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-release-'));
      for (const each of ['tools/release', 'tools/bundle'])
        cpSync(join(REPOSITORY, each), join(folder, each), { recursive: true });
      symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
      writeFileSync(
        join(folder, 'package.json'),
        '{"name":"arctun","version":"1.2.3","type":"module"}',
      );
      writeFileSync(join(folder, '.gitignore'), 'node_modules\nbuild\n');
      git('init', '--quiet', '--initial-branch=main');
      git('add', '--all');
      git('commit', '--quiet', '--message=arctun: start');
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('refuses to publish changes, and a commit without the tag', () => {
      mkdirSync(join(folder, 'build/release'), { recursive: true });
      writeFileSync(join(folder, 'new'), '');
      const { status, stdout, stderr } = release(['--publish'], {}, folder);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(
        /^Nothing was built or published\.\nThe working tree has changes .*\nThe commit does not have the tag v1\.2\.3\. Run: npx changeset tag\n$/,
      );
      expect(built()).toBe(true);
    });

    it('reports the step that failed, and leaves no release', () => {
      mkdirSync(join(folder, 'build/release'), { recursive: true });
      const { status, stderr } = release(['--dry-run'], { PATH: pathWithNpm('exit 3') }, folder);
      expect(status).toBe(1);
      expect(stderr).toBe(
        [
          'cannot build the release: the programs: a command failed with exit code 3; its messages are above',
          'The release is incomplete, and nothing was published.',
          'Fix this, then run the command again.\n',
        ].join('\n'),
      );
      expect(built()).toBe(false);
    });

    it('gives all steps the time of the commit, or SOURCE_DATE_EPOCH', () => {
      const path = pathWithNpm('echo "time $SOURCE_DATE_EPOCH"; exit 1');
      const time = execFileSync('git', ['log', '-1', '--format=%ct'], {
        cwd: folder,
        encoding: 'utf8',
      });
      const timeWith = (env: NodeJS.ProcessEnv) =>
        /time (\S*)/.exec(release(['--dry-run'], { PATH: path, ...env }, folder).stdout)?.[1];
      expect(timeWith({})).toBe(time.trim());
      expect(timeWith({ SOURCE_DATE_EPOCH: '' })).toBe(time.trim());
      expect(timeWith({ SOURCE_DATE_EPOCH: '12345' })).toBe('12345');
      const wrong = release(['--dry-run'], { SOURCE_DATE_EPOCH: 'today' }, folder);
      expect(wrong).toMatchObject({ status: 1, stdout: '' });
      expect(wrong.stderr).toContain('SOURCE_DATE_EPOCH must be a number of seconds, not "today"');
    });

    it('fails before it builds if git cannot read the commit', () => {
      rmSync(join(folder, '.git'), { recursive: true });
      const { status, stdout, stderr } = release(['--dry-run'], {}, folder);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('cannot build the release: the commit: ');
    });

    describe('after the build', () => {
      /** The scripts that build, replaced by ones that write one file. */
      const BUILDERS = {
        'tools/bundle/build-layers.js': ['build/layers/arctun.zip', 'build/executable/arctun'],
        'tools/bundle/build-image.js': ['build/image/arctun.tar', 'dist/bundle/sbom.json'],
        'tools/release/write-packages.js': ['build/unfinished-release/arctun.deb'],
      };
      /** An npm that writes one package, and publishes with the code that it reads. */
      const NPM = [
        'case "$*" in',
        '"pack --dry-run=true"*) echo \'[{"files":[]}]\' ;;',
        'pack*) : > build/unfinished-release/arctun.tgz ;;',
        'publish*) read -r code; echo "$* code $code" > build/published; exit "$NPM_EXIT" ;;',
        'esac',
      ].join('\n');

      function publish(version: string, npmExit = 0) {
        const scripts = Object.entries(BUILDERS).map(([script, paths]) => [
          script,
          `import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
for (const path of ${JSON.stringify(paths)}) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, path);
}`,
        ]);
        const manifest = JSON.stringify({ name: 'arctun', version, type: 'module' });
        for (const [path = '', text = ''] of [...scripts, ['package.json', manifest]])
          writeFileSync(join(folder, path), text);
        writeFileSync(join(folder, '.gitignore'), 'node_modules\nbuild\ndist\n');
        git('add', '--all');
        git('commit', '--quiet', '--message=arctun: stub the build');
        git('tag', `v${version}`);
        const env = { PATH: pathWithNpm(NPM), NPM_EXIT: `${npmExit}` };
        return release(['--publish'], env, folder, '123456\n');
      }
      const published = () => readFileSync(join(folder, 'build/published'), 'utf8');

      it('publishes the package, and npm can ask for a one-time password', () => {
        expect(publish('1.2.3')).toMatchObject({ status: 0, stderr: '' });
        const file = join(folder, 'build/release/arctun-1.2.3.tgz');
        expect(published()).toBe(`publish --dry-run=false --access public ${file} code 123456\n`);
      });

      it('does not publish a prerelease as the latest version', () => {
        expect(publish('2.0.0-rc.1')).toMatchObject({ status: 0 });
        expect(published()).toContain('--access public --tag next ');
      });

      it('does not claim that nothing was published if npm fails', () => {
        const { status, stderr } = publish('1.2.3', 7);
        expect(status).toBe(1);
        const file = join(folder, 'build/release/arctun-1.2.3.tgz');
        expect(stderr).toBe(
          [
            `cannot publish the release: npm publish ${file}: a command failed with exit code 7; its messages are above`,
            'Run `npm view arctun@1.2.3` to see whether npm published it.',
            `If not, fix this, then run the command again. ${join(folder, 'build/release')} contains the release.\n`,
          ].join('\n'),
        );
        expect(built()).toBe(true);
      });

      it('lists the checksum of each file', () => {
        publish('1.2.3');
        const sums = readFileSync(join(folder, 'build/release/SHA256SUMS'), 'utf8');
        const hash = (text: string) => createHash('sha256').update(text).digest('hex');
        expect(sums.split('\n')).toEqual([
          `${hash('build/executable/arctun')}  arctun`,
          `${hash('build/image/arctun.tar')}  arctun-1.2.3.oci.tar`,
          `${hash('dist/bundle/sbom.json')}  arctun-npm.sbom.json`,
          `${hash('build/unfinished-release/arctun.deb')}  arctun.deb`,
          `${hash('')}  arctun.tgz`,
          `${hash('build/layers/arctun.zip')}  arctun.zip`,
          '',
        ]);
      });
    });

    /** Returns a PATH in which npm is a script. */
    function pathWithNpm(script: string): string {
      const place = join(folder, 'build/bin');
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'npm'), `#!/bin/sh\n${script}\n`);
      chmodSync(join(place, 'npm'), 0o755);
      return `${place}:${process.env.PATH ?? ''}`;
    }
  },
);
