import { localSchema } from '../../../src/app/config/local-schema.js';
import { skeletonText } from '../../../src/app/config/show-config.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';

const SCHEMA = './node_modules/arctun/schema/arc.schema.json';

let files: MemoryFiles;
beforeEach(() => {
  files = new MemoryFiles();
});

it.each([
  ['arc.json', '/home'],
  ['/etc/arctun/arc.json', '/etc/arctun'],
])('is a relative path for %s if the package is installed in %s', async (path, folder) => {
  expect(await localSchema(files, path)).toEqual([]);
  files.texts.set(`${folder}/node_modules/arctun/schema/arc.schema.json`, '{}');
  const members = await localSchema(files, path);
  expect(Object.entries(JSON.parse(skeletonText('linux', members)) as object)[0]).toEqual([
    '$schema',
    SCHEMA,
  ]);
});
