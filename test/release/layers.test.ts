/** The Lambda layers, unzipped into /opt of an emulated sandbox: one invocation each. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { answerOf, LambdaLab } from '../support/foreign/lambda-lab.js';
import type { SandboxOptions } from '../support/lambda/main.js';
import { AMD64, ARM64, files } from '../support/release/files.js';
import { describeWith, LAMBDA_PRIVATE_ROOT } from '../support/runner/requirements.js';

const lab = new LambdaLab();
beforeAll(() => lab.start());
afterEach(() => lab.closeSandboxes());
afterAll(() => lab.close());

function unzip(file: string): string {
  const folder = mkdtempSync(join(lab.folder, 'layer-'));
  execFileSync('unzip', ['-q', file, '-d', folder]);
  return folder;
}

/** Invokes a function once, in a sandbox with an extension, and checks that its message arrives. */
async function expectMessage(by: string, extension: Partial<SandboxOptions>): Promise<void> {
  const sandbox = await lab.sandbox({
    settings: { ARCTUN_CONFIG: readFileSync(lab.arcJson, 'utf8') },
    ...extension,
  });
  const { response, error } = await sandbox.invoke({ by });
  expect(error).toBeUndefined();
  expect(answerOf(response).statusCode).toBe(201);
  expect(await lab.messages()).toContainEqual({ by });
}

describeWith([...LAMBDA_PRIVATE_ROOT, 'release', 'unzip'], 'a layer in /opt', () => {
  it.each([
    ['for all runtimes', files.layer(AMD64)],
    ['for Node.js', files.thinLayer],
  ])('carries the message of a function: %s', (name, file) =>
    expectMessage(name, { layer: unzip(file), extensions: [], privateRoot: true }),
  );

  describeWith(['qemu-aarch64-static', 'arm64-libraries'], 'for arm64, in qemu', () => {
    it('carries the message of a function', async () => {
      const program = join(unzip(files.layer(ARM64)), 'extensions/arctun');
      const emulator = 'qemu-aarch64-static -L /usr/aarch64-linux-gnu -0 /opt/extensions/arctun';
      const file = join(lab.folder, 'arm64');
      writeFileSync(file, `#!/bin/sh\nexec ${emulator} ${program}\n`, { mode: 0o755 });
      await expectMessage('arm64', { extensions: [{ name: 'arctun', file }], initLimitMs: 60_000 });
    });
  });

  it('contains the command for functions', async () => {
    const folder = unzip(files.layer(AMD64));
    const command = [join(folder, 'bin/arctun'), 'version'];
    expect(await lab.processes.run(command)).toMatchObject({ code: 0, stderr: '' });
    rmSync(folder, { recursive: true });
  });
});
