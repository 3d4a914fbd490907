/** Whether a release may be published, with a real git. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { actionOf, publicationObstacles, tagFlags } from '../../../tools/release/publication.js';
import { describeWith } from '../../support/runner/requirements.js';

describe('what to do', () => {
  it('must be named', () => {
    expect(actionOf(['--dry-run'], {})).toBe('dry-run');
    expect(actionOf(['--publish'], {})).toBe('publish');
    expect(actionOf([], {})).toBeUndefined();
    expect(actionOf(['--dry-run', '--publish'], {})).toBeUndefined();
    expect(actionOf(['--force'], {})).toBeUndefined();
  });

  it('is never to publish if npm took --dry-run for itself', () => {
    expect(actionOf([], { npm_config_dry_run: 'true' })).toBe('dry-run');
    expect(actionOf(['--publish'], { npm_config_dry_run: 'true' })).toBeUndefined();
  });
});

it.each([
  ['1.2.3', []],
  ['1.0.0-rc.1', ['--tag', 'next']],
])('publishes version %s with the flags %j', (version, flags) => {
  expect(tagFlags(version)).toEqual(flags);
});

describeWith(['git'], 'a commit', () => {
  let folder: string;
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...words], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const commit = () => git('commit', '--quiet', '--allow-empty', '--message=arctun: start');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-publication-'));
    git('init', '--quiet');
    commit();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('may be published if it has the tag of the version and no other changes', () => {
    git('tag', 'v1.2.3');
    expect(publicationObstacles('1.2.3', git)).toEqual([]);
  });

  it('may not be published without the tag, or with the tag of another version or commit', () => {
    const refused = [expect.stringContaining('does not have the tag v1.2.3')];
    expect(publicationObstacles('1.2.3', git)).toEqual(refused);
    git('tag', 'v1.2.30');
    expect(publicationObstacles('1.2.3', git)).toEqual(refused);
    git('tag', 'v1.2.3');
    commit();
    expect(publicationObstacles('1.2.3', git)).toEqual(refused);
  });

  it('may not be published with changes', () => {
    git('tag', 'v1.2.3');
    writeFileSync(join(folder, 'new'), '');
    expect(publicationObstacles('1.2.3', git)).toEqual([expect.stringContaining('not committed')]);
  });
});
