import { readArcConfig, writeArcConfig } from '../../src/arc-config/arc-config-file.js';
import { FileError, type FileFailure } from '../../src/ports/files.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { MemoryFiles } from './memory-files.js';
import { SAMPLE } from './sample.js';

const config = parseArcConfig(SAMPLE, { path: 'arc.json' });

it('writes and reads the same content', async () => {
  const files = new MemoryFiles();
  await writeArcConfig(files, 'arc.json', config);
  expect(files.texts.get('/home/arc.json')).toBe(SAMPLE);
  expect((await readArcConfig(files, 'arc.json')).simId).toBe(config.simId);
});

it.each<[FileFailure, string]>([
  ['absent', 'configuration'],
  ['no-folder', 'configuration'],
  ['denied', 'permission'],
  ['not-text', 'configuration'],
  ['failed', 'failed'],
])('explains what to do if a file is %s', async (failure, kind) => {
  const files = new MemoryFiles();
  const cause = new FileError(failure, 'arc.json', 'the reason');
  files.failures.set('readText /home/arc.json', cause);
  files.failures.set('replaceText /home/arc.json', cause);
  await expect(readArcConfig(files, 'arc.json')).rejects.toMatchObject({
    kind,
    message: 'cannot read /home/arc.json: the reason',
    cause,
  });
  await expect(writeArcConfig(files, 'arc.json', config)).rejects.toMatchObject({
    kind,
    message: 'cannot write /home/arc.json: the reason',
    cause,
  });
});
