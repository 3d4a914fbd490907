import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { packageVersion } from '../../src/library/package-version.js';

it('returns the version of the package', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

it('does not return the version of another package, or fail, in a program that was bundled', () => {
  const folder = mkdtempSync(join(tmpdir(), 'arctun-version-'));
  const url = pathToFileURL(join(folder, 'dist/bundle/program.js')).href;
  expect(packageVersion(url)).toBe('unknown');
  writeFileSync(join(folder, 'package.json'), '{ "name": "program", "version": "1.2.3" }');
  expect(packageVersion(url)).toBe('unknown');
  rmSync(folder, { recursive: true });
});
