import { exportWgConfig } from '../../src/app/export-wg-config.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { SAMPLE, sampleWithSession } from '../arc-config/sample.js';

const files = new MemoryFiles();
const asked: string[] = [];
beforeEach(() => {
  files.texts.set('/home/arc.json', SAMPLE);
  asked.length = 0;
});

function exporting(config: string, answer: string[] | Error = ['2001:db8::9', '192.0.2.9']) {
  const resolver = {
    async resolve(host: string) {
      await Promise.resolve();
      asked.push(host);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return exportWgConfig(config, { files, resolver });
}

it('puts the first address of the server in the place of its name', async () => {
  expect(await exporting('arc.json')).toContain('Endpoint = [2001:db8::9]:11010\n');
  expect(asked).toEqual(['link.arc.soracom.io']);
});

it('asks nobody about an address', async () => {
  const text = sampleWithSession({ arcServerEndpoint: '[2001:db8::1]:99' });
  expect(await exporting(text)).toContain('Endpoint = [2001:db8::1]:99\n');
  expect(asked).toEqual([]);
});

it.each([
  [new Error('getaddrinfo ENOTFOUND'), 'cannot resolve link.arc.soracom.io: getaddrinfo ENOTFOUND'],
  [[], 'cannot resolve link.arc.soracom.io: the name has no address'],
])('says why a name has no address', async (answer, message) => {
  await expect(exporting('arc.json', answer)).rejects.toMatchObject({ kind: 'failed', message });
});

it('needs a session', async () => {
  await expect(exporting('{}')).rejects.toThrow('cannot use the inline configuration');
});
