import { showConfig, skeletonText } from '../../../src/app/config/show-config.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { PRIVATE_KEY, SAMPLE } from '../../arc-config/sample.js';

const files = new MemoryFiles();
const show = (value: string) => showConfig(value, files, 'linux');
beforeEach(() => {
  files.texts.clear();
  files.failures.clear();
});

it('prints the file with its secrets hidden', async () => {
  files.texts.set('/home/arc.json', SAMPLE);
  const shown = await show('arc.json');
  expect(shown).toContain('"privateKey": "<redacted>"');
  expect(shown).not.toContain(PRIVATE_KEY);
  expect(await show(SAMPLE)).toBe(shown);
});

it('prints the skeleton if there is no file', async () => {
  expect(await show('arc.json')).toBe(skeletonText('linux'));
  files.texts.set('/home/arc.json', ' \n');
  expect(await show('arc.json')).toBe(skeletonText('linux'));
});
