import { ArcConfigError, unplacedFault } from '../../src/arc-config/arc-config-error.js';

it.each([
  ['site.json', 'Run `arctun bootstrap authkey --config site.json` to create a session.'],
  ['arc.json', 'Run `arctun bootstrap authkey` to create a session.'],
  ['the inline configuration', 'Run `arctun bootstrap authkey` to create a session.'],
])('advises to create a session if %s has none', (file, advice) => {
  const missing = unplacedFault('arcSessionStatus', 'nothing', 'the session');
  expect(new ArcConfigError(file, [missing]).next).toEqual([advice]);
  const both = [missing, unplacedFault('privateKey', 'nothing', 'a key')];
  expect(new ArcConfigError(file, both).next[0]).toMatch(/^Correct /);
});
