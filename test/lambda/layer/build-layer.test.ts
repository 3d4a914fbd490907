import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { buildLayer } from '../../../src/lambda/layer/build-layer.js';
import type { CommandRunner } from '../../../src/ports/command-runner.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-build-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('leaves no files if it is stopped while npm runs', async () => {
  const prebuilt = join(folder, 'dist/executable');
  mkdirSync(prebuilt, { recursive: true });
  writeFileSync(join(folder, 'LICENSE'), '');
  writeFileSync(join(prebuilt, 'arctun-x86_64.blob.gz'), gzipSync(''));
  for (const name of ['executable.sbom.json', 'executable.notices.txt']) {
    writeFileSync(join(prebuilt, name), '{}');
  }
  const stop = new AbortController();
  let temporary = '';
  const commands: CommandRunner = {
    run: (command, { signal } = {}) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        temporary = command.find((word) => word.startsWith('--pack-destination='))!.slice(19);
        expect(existsSync(temporary)).toBe(true);
        stop.abort(new Error('stopped'));
        setTimeout(() => reject(new Error('npm continues')), 1_000);
      }),
  };
  const output = join(folder, 'layer.zip');
  const building = buildLayer(
    { kind: 'x86_64', output },
    { commands, prebuilt, signal: stop.signal },
  );
  await expect(building).rejects.toThrow('stopped');
  expect([temporary, output].filter((path) => existsSync(path))).toEqual([]);
});
