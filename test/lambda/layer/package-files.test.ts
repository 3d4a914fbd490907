import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { packageFiles } from '../../../src/lambda/layer/package-files.js';
import { describeWith } from '../../support/runner/requirements.js';

/** Packed by the system's tar. */
function archive(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'arctun-test-'));
  try {
    mkdirSync(join(folder, 'package/bin'), { recursive: true });
    writeFileSync(join(folder, 'package/README.md'), 'x'.repeat(512));
    writeFileSync(join(folder, 'package/bin/node'), 'n'.repeat(1000));
    writeFileSync(join(folder, 'package/LICENSE'), 'free');
    return execFileSync('tar', ['cz', '--format=ustar', '-C', folder, 'package']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describeWith(['tar', 'gzip'], 'the files of a package', () => {
  it('reads files of an archive in the requested order', () => {
    const found = packageFiles(archive(), ['package/LICENSE', 'package/bin/node']);
    expect(found.map((bytes) => Buffer.from(bytes).toString())).toEqual(['free', 'n'.repeat(1000)]);
  });

  it('reports missing files', () => {
    expect(() => packageFiles(archive(), ['package/LICENSE', 'package/bin'])).toThrow(
      'package/bin is missing from the package',
    );
  });

  it('does not accept part of a file as the whole', () => {
    const tar = gunzipSync(archive());
    const end = tar.indexOf('nnn') + 10;
    expect(() => packageFiles(gzipSync(tar.subarray(0, end)), ['package/bin/node'])).toThrow(
      'the archive is damaged',
    );
  });
});
