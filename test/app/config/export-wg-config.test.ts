import { exportWgConfig, verboseWgConfig } from '../../../src/app/config/export-wg-config.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { SAMPLE, sampleWith, sampleWithSession, ZERO_KEY } from '../../arc-config/sample.js';

const files = new MemoryFiles();
const asked: string[] = [];
beforeEach(() => {
  files.texts.set('/home/arc.json', SAMPLE);
  asked.length = 0;
});

function exporting(
  config: string,
  answer: string[] | Error = ['2001:db8::9', '192.0.2.9'],
  keepHostname = false,
) {
  const resolver = {
    async resolve(host: string) {
      await Promise.resolve();
      asked.push(host);
      if (answer instanceof Error) throw answer;
      return { addresses: answer, ttl: 60_000 };
    },
  };
  return exportWgConfig({ config, keepHostname }, { files, resolver });
}

it('replaces the server’s name with its first address', async () => {
  expect((await exporting('arc.json')).text).toContain('Endpoint = [2001:db8::9]:11010\n');
  expect(asked).toEqual(['link.arc.soracom.io']);
});

it.each([
  ['link.arc.soracom.io', 'link.arc.soracom.io:11010'],
  ['Link.Arc:99', 'Link.Arc:99'],
  ['2001:db8::1', '[2001:db8::1]:11010'],
  ['192.0.2.1:99', '192.0.2.1:99'],
])('keeps %s unresolved if requested', async (written, endpoint) => {
  const config = sampleWithSession({ arcServerEndpoint: written });
  const { text } = await exporting(config, new Error('no question is asked'), true);
  expect(text).toContain(`Endpoint = ${endpoint}\n`);
  expect(asked).toEqual([]);
});

it('warns about commands that a shell will read differently', async () => {
  expect((await exporting('arc.json')).warnings).toEqual([
    expect.stringMatching(/^postUp\[0\] in arc\.json /),
  ]);
  expect((await exporting(sampleWith({ postUp: [['a', 'b']] }))).warnings).toEqual([]);
});

it.each([
  [new Error('getaddrinfo ENOTFOUND'), 'cannot resolve link.arc.soracom.io: getaddrinfo ENOTFOUND'],
  [[], 'cannot resolve link.arc.soracom.io: the name does not have an IP address'],
])('says why a name has no address', async (answer, message) => {
  await expect(exporting('arc.json', answer)).rejects.toMatchObject({ kind: 'tunnel', message });
});

it('reports the line of a key that is all zeros, and names a missing key', async () => {
  const zeroKey = sampleWith({ privateKey: ZERO_KEY });
  await expect(exporting(zeroKey)).rejects.toThrow(
    'line 1, privateKey: found a key that is all zeros, expected',
  );
  await expect(exporting(sampleWith({ privateKey: undefined }))).rejects.toThrow(
    ': privateKey: found nothing, expected the key that bootstrap writes',
  );
});

it('shows the content for `up` between the banners of soratun, the private key hidden', () => {
  const config = parseArcConfig(SAMPLE, { path: 'arc.json' });
  const overrides = {
    mtu: 1300,
    persistentKeepalive: 0,
    additionalAllowedIps: ['192.0.2.0/24'],
  };
  const text = verboseWgConfig({ config, source: 'arc.json' }, overrides);
  const lines = text.split('\n');
  expect(lines[0]).toBe('--- WireGuard configuration ----------------------');
  expect(lines.slice(-2)).toEqual(['--- End of WireGuard configuration ---------------', '']);
  expect(lines).toContain('PrivateKey = (hidden)');
  expect(lines).toContain('MTU = 1300');
  expect(lines).toContain('PersistentKeepalive = 0');
  expect(text).toMatch(/^AllowedIPs = .*, 192\.0\.2\.0\/24$/m);
  expect(text).not.toContain(Buffer.from(config.privateKey.expose()).toString('base64'));
});
