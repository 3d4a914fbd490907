import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { requireLayerPath, writeLayer } from '../../../src/lambda/layer/write-layer.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-test-'));
  path = join(folder, 'layer.zip');
});
afterEach(() => rmSync(folder, { recursive: true }));

const LAYER = Buffer.from('PK\u0003\u0004 a zip');

it('replaces a zip file, and leaves no other file', async () => {
  writeFileSync(path, 'PK\u0003\u0004 an older one');
  await requireLayerPath(path);
  await writeLayer(path, LAYER);
  expect(readFileSync(path)).toEqual(LAYER);
  expect(readdirSync(folder)).toEqual(['layer.zip']);
});

it('creates a layer if no file exists', async () => {
  await expect(requireLayerPath(path)).resolves.toBeUndefined();
});

it.each(['{"privateKey": "..."}', ''])('refuses to replace what is no zip: %p', async (content) => {
  writeFileSync(path, content);
  await expect(requireLayerPath(path)).rejects.toMatchObject({
    what: `cannot write ${path}`,
    why: 'the file already exists and is not a zip file',
    next: [expect.stringContaining('--output')],
  });
});

it('refuses a folder', async () => {
  mkdirSync(path);
  await expect(requireLayerPath(path)).rejects.toMatchObject({ why: 'it is a folder' });
  await expect(writeLayer(path, LAYER)).rejects.toMatchObject({ kind: 'configuration' });
  expect(readdirSync(folder)).toEqual(['layer.zip']);
});

it('reports that a folder is missing', async () => {
  await expect(writeLayer(join(folder, 'none', 'layer.zip'), LAYER)).rejects.toMatchObject({
    why: 'the folder does not exist',
    next: [expect.stringContaining('Create the folder')],
  });
});
