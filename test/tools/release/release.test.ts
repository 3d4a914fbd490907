/** What `npm run release` checks before it builds anything. */
import { spawnSync } from 'node:child_process';

import { REPOSITORY } from '../../support/processes.js';

const SCRIPT = `${REPOSITORY}tools/release/release.js`;

function release(words: readonly string[], env: NodeJS.ProcessEnv) {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, [SCRIPT, ...words], options);
}

it('does nothing without being asked to publish or not to', () => {
  expect(release([], { npm_config_dry_run: undefined })).toMatchObject({
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
