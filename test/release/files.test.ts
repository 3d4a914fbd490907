/** The files of a release, their checksums, and the same bytes in a second release. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { limitOf } from '../../tools/bundle/layer-limits.js';
import { RELEASE, VERSION } from '../support/release/files.js';
import { describeWith } from '../support/runner/requirements.js';

/** Set by tools/release/test-release.js. */
const SECOND = process.env.ARCTUN_TEST_SECOND_RELEASE ?? '';
const DEBIAN_VERSION = VERSION.replaceAll('-', '~');
const names = () => readdirSync(RELEASE).sort();

describeWith(['release'], 'a release', () => {
  it('contains one file for each way to install arctun', () => {
    expect(names()).toEqual(
      [
        'SHA256SUMS',
        ...[`arctun-${VERSION}.tgz`, 'arctun-npm.sbom.json', `arctun-${VERSION}.oci.tar`],
        ...['x86_64', 'arm64', 'nodejs'].map((kind) => `arctun-lambda-${kind}.zip`),
        ...['x64', 'arm64'].flatMap((each) => [
          `arctun-linux-${each}`,
          `arctun-linux-${each}.sbom.json`,
        ]),
        ...['amd64', 'arm64'].map((each) => `arctun_${DEBIAN_VERSION}_${each}.deb`),
      ].sort(),
    );
  });

  it('has the checksum of every other file', () => {
    const sums = join(RELEASE, 'SHA256SUMS');
    const options = { cwd: RELEASE, encoding: 'utf8' } as const;
    const checked = execFileSync('sha256sum', ['--check', '--strict', sums], options);
    const others = names().filter((name) => name !== 'SHA256SUMS');
    expect(checked).toBe(others.map((name) => `${name}: OK\n`).join(''));
  });

  it('is small enough', () => {
    const unversioned = (name: string) =>
      name.replace(`-${VERSION}.`, '.').replace(`_${DEBIAN_VERSION}_`, '_');
    const large = names().filter(
      (name) => statSync(join(RELEASE, name)).size > limitOf(unversioned(name)),
    );
    expect(large).toEqual([]);
  });
});

describeWith(['release', 'second-release'], 'two releases of one commit', () => {
  it('have the same bytes in another folder, for another user, umask, time zone and locale', () => {
    const second = readdirSync(SECOND).sort();
    expect(second).toEqual(names());
    const differing = second.filter(
      (name) => !readFileSync(join(SECOND, name)).equals(readFileSync(join(RELEASE, name))),
    );
    expect(differing).toEqual([]);
  });
});

describeWith(['release', 'python3-cyclonedx'], 'a bill of materials', () => {
  it.each(['arctun-npm', 'arctun-linux-x64', 'arctun-linux-arm64'])(
    'follows the schema of CycloneDX: %s',
    (name) => {
      const file = join(RELEASE, `${name}.sbom.json`);
      const script = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read()))`;
      const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script, file], {
        encoding: 'utf8',
      });
      expect({ stdout, stderr }).toEqual({ stdout: 'None\n', stderr: '' });
    },
  );
});
