/** The executables, each in a root that contains only its libraries. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { librariesOf } from '../../tools/bundle/image/shared-libraries.js';
import { EmptyRoot, WRITABLE } from '../support/release/empty-root.js';
import { AMD64, ARM64, commandPath, files } from '../support/release/files.js';
import { doMainJob, type Start } from '../support/release/main-job.js';
import { Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

describeWith(['linux', 'root', 'release', 'readelf'], 'an executable in an empty root', () => {
  const processes = new Processes();
  let root: EmptyRoot;
  const native: Start = (words, env) => root.start(['/arctun', ...words], env);

  beforeAll(() => {
    root = new EmptyRoot(mkdtempSync(join(tmpdir(), 'arctun-root-')), processes);
    root.addProgram(files.executable(AMD64), '/arctun');
  });
  afterAll(async () => {
    await processes.close();
    rmSync(root.path, { recursive: true });
  });

  it('does its main job on amd64', () => doMainJob(native, `${WRITABLE}/amd64.json`));

  describeWith(['qemu-aarch64-static', 'arm64-libraries'], 'in qemu', () => {
    it('does its main job on arm64', async () => {
      const executable = files.executable(ARM64);
      for (const { path, content } of foreignLibraries(executable)) root.write(path, content);
      root.add(commandPath('qemu-aarch64-static'), '/qemu');
      root.add(executable, '/arctun-arm64');
      const start: Start = (words, env) => root.start(['/qemu', '/arctun-arm64', ...words], env);
      await doMainJob(start, `${WRITABLE}/arm64.json`, { native });
    });
  });
});

interface Library {
  readonly path: string;
  readonly content: Uint8Array;
}

/** The libraries of an arm64 program, where it looks for them. */
function foreignLibraries(program: string): Library[] {
  const all = librariesOf(program, 'arm64') as Library[];
  return all.filter(({ path }) => path.startsWith('/lib'));
}
