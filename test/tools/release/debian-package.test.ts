import { execFileSync } from 'node:child_process';

import { debianVersion } from '../../../tools/release/debian-package.js';
import { describeWith } from '../../support/runner/requirements.js';

it('keeps the version of a release', () => {
  expect(debianVersion('1.20.3')).toBe('1.20.3');
});

describeWith(['dpkg-deb'], 'dpkg', () => {
  it('sorts a release candidate before the release, and after the one before', () => {
    const order = ['1.0.0-beta.2', '1.0.0-rc.1', '1.0.0-rc.2', '1.0.0', '1.0.1-rc.1'];
    for (const [index, version] of order.slice(1).entries()) {
      const [before, after] = [order[index]!, version].map((each) => String(debianVersion(each)));
      execFileSync('dpkg', ['--compare-versions', before!, 'lt', after!]);
    }
  });
});
