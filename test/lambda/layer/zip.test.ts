import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { zip } from '../../../src/lambda/layer/zip.js';
import { describeWith } from '../../support/runner/requirements.js';

const ENTRIES = [
  {
    path: 'extensions/arctun',
    mode: 0o755,
    content: new TextEncoder().encode('program'.repeat(99)),
  },
  { path: 'share/sbom.json', mode: 0o644, content: new TextEncoder().encode('{}') },
];

it('produces the same bytes on every machine and at any time', () => {
  // A known answer from another day, in any time zone.
  expect(createHash('sha256').update(zip(ENTRIES)).digest('hex')).toBe(
    'c3ca74a3f7e8517367db6003cab0869bdf1d3bbd4637d4a8e9a27f651f8dd840',
  );
});

describeWith(['unzip'], 'zip, read by Info-ZIP', () => {
  it('has Unix modes, the order of its entries, and no time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'arctun-test-'));
    try {
      const file = join(folder, 'layer.zip');
      writeFileSync(file, zip(ENTRIES));
      execFileSync('unzip', ['-tq', file]);
      const lines = execFileSync('unzip', ['-Z', file], { encoding: 'utf8' }).split('\n');
      expect(lines.slice(2, 4)).toEqual([
        expect.stringMatching(/^-rwxr-xr-x .* unx .* 80-Jan-01 00:00 extensions\/arctun$/),
        expect.stringMatching(/^-rw-r--r-- .* unx .* 80-Jan-01 00:00 share\/sbom.json$/),
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
