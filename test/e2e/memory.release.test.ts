/** The memory of an idle `up`, compared with a Node.js process that does nothing. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

/** MiB; about 36 were measured directly after the start. */
const LIMIT = 60;

function residentMemory({ child }: TestProcess): number {
  const status = readFileSync(`/proc/${child.pid!}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024;
}

describeWith(['linux'], 'the memory of up', () => {
  const processes = new Processes();
  const folder = mkdtempSync(join(tmpdir(), 'arctun-memory-'));
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  it('exceeds that of Node.js by a limited amount', async () => {
    const { env } = await startEmulatorProcess(processes);
    const options = { cwd: folder, env: { ...env, RUNTIME_DIRECTORY: join(folder, 'run') } };
    const command = [process.execPath, ARCTUN];
    expect((await processes.run([...command, 'bootstrap', 'authkey'], options)).code).toBe(0);
    const idle = [process.execPath, '-e', 'console.log("ready"); setInterval(() => {}, 1e6);'];
    const node = processes.start(idle);
    await node.output(/ready/);
    const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
    const up = processes.start([...command, 'up', '--mode', 'userspace', ...listen], options);
    await up.output(/is up/);
    expect(residentMemory(up) - residentMemory(node)).toBeLessThan(LIMIT);
  }, 60_000);
});
