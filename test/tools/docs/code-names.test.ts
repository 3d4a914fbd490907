/** The names in the code that a page of the reference lists. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { codeBelow, namesInCode, rowsOf } from '../../../tools/docs/code-names.js';

const CODE = `
type Refusal = 'closed' | 'reset';
export type Reason = Refusal | 'timeout';
export const log = { info(_fields: object, _message: string): void {} };
export const metrics = { gauge(_name: string): void {} };
function parties(): { client: string; target?: string } {
  return { client: '' };
}
const env: Record<string, string | undefined> = {};
export function run(): unknown {
  log.info({ ms: 1, ...parties() }, 'request');
  metrics.gauge('up');
  const { STATE_DIRECTORY: folder = '' } = env;
  return [folder, env.NOTIFY_SOCKET, env['DEBUG'], { env: 'ARCTUN_MTU' }, 'SORACOM Arc'];
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-names-')) + '/';
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'tsconfig.json'), '{"compilerOptions": {"lib": ["ES2023"]}}');
  writeFileSync(join(folder, 'src/run.ts'), CODE);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('are found in code, with their lines', () => {
  const names = namesInCode(folder, codeBelow(folder, ['src']), ['Reason']);
  const at = (line: number, ...all: string[]) =>
    all.map((name) => ({ name, place: `src/run.ts:${line}` }));
  expect(names.fields).toEqual(at(11, 'client', 'target', 'ms'));
  expect(names.metrics).toEqual(at(12, 'arctun_up'));
  expect(names.variables).toEqual([
    ...at(13, 'STATE_DIRECTORY'),
    ...at(14, 'NOTIFY_SOCKET', 'DEBUG', 'ARCTUN_MTU'),
  ]);
  expect(names.members).toEqual({ Reason: at(3, 'closed', 'reset', 'timeout') });
});

it('are found in the tables of a page that begin with a header', () => {
  const page = join(folder, 'page.md');
  const lines = ['| field | b |', '| --- | --- |', '| `one`, `two` | `no` |', '| `member` | |', ''];
  writeFileSync(page, [...lines, '| member | b |', '| --- | --- |', '| `field` | |'].join('\n'));
  expect(rowsOf(page, 'field')).toEqual([
    { name: 'one', line: 3 },
    { name: 'two', line: 3 },
    { name: 'member', line: 4 },
  ]);
});
