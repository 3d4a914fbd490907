/** An Arc server whose name the system's resolver does not find. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmulatorProcess } from '../support/emulator-process.js';
import { IMPOSSIBLE_NAME } from '../support/impossible-name.js';
import { ARCTUN, Processes } from '../support/processes.js';

const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'arctun-unknown-'));
const path = join(folder, 'arc.json');

afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

it('makes up exit with 5, and report the name', async () => {
  const { env } = await startEmulatorProcess(processes);
  const run = (...words: string[]) =>
    processes.run([process.execPath, ARCTUN, ...words, '--config', path], { env });
  expect(await run('bootstrap', 'authkey')).toMatchObject({ code: 0 });
  const arcJson = JSON.parse(readFileSync(path, 'utf8')) as { arcSessionStatus: object };
  const session = { ...arcJson.arcSessionStatus, arcServerEndpoint: `${IMPOSSIBLE_NAME}:11010` };
  writeFileSync(path, JSON.stringify({ ...arcJson, arcSessionStatus: session }));
  const { code, stderr } = await run('up', '--wait', '1', '--forward-listen', '127.0.0.1:0');
  expect(stderr).toContain(`cannot find the Arc server ${IMPOSSIBLE_NAME}`);
  expect(code).toBe(5);
});
