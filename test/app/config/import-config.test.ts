import { importConfig } from '../../../src/app/config/import-config.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { PRIVATE_KEY, PUBLIC_KEY, SAMPLE, SERVER_KEY } from '../../arc-config/sample.js';

const CONF = `[Interface]
PrivateKey = ${PRIVATE_KEY}
Address = 10.0.0.2/32
DNS = 100.127.0.53
[Peer]
PublicKey = ${SERVER_KEY}
AllowedIPs = 100.127.0.0/16
Endpoint = link.arc.soracom.io:11010
PersistentKeepalive = 60
`;
const files = new MemoryFiles();
let stdin = '';

beforeEach(() => {
  files.texts.clear();
  files.failures.clear();
  files.texts.set('/home/a.conf', CONF);
  stdin = CONF;
});

function importing(options: Partial<Parameters<typeof importConfig>[0]> = {}) {
  return importConfig(
    {
      file: 'a.conf',
      target: 'arc.json',
      simId: '',
      force: false,
      ignoreUnsupported: false,
      ...options,
    },
    {
      files,
      readStdin: () => Promise.resolve(Buffer.from(stdin)),
      publicKeyOf: () => Uint8Array.from(Buffer.from(PUBLIC_KEY, 'base64')),
      platform: 'darwin',
    },
  );
}

it('writes arc.json and reports what is lost', async () => {
  expect(await importing({ simId: '8942310022000012345' })).toEqual({
    path: '/home/arc.json',
    source: 'a.conf',
    notes: [{ line: 4, key: 'DNS', message: expect.stringContaining('dropped') as string }],
  });
  const written = parseArcConfig(files.texts.get('/home/arc.json')!, { path: 'x' });
  expect(written).toMatchObject({ simId: '8942310022000012345', interface: 'utun' });
});

it('reads standard input', async () => {
  files.texts.delete('/home/a.conf');
  expect((await importing({ file: '-' })).source).toBe('standard input');
  stdin = 'MTU = x';
  await expect(importing({ file: '-', force: true })).rejects.toThrow('cannot use standard input');
});

it('replaces an empty file, and any other only with --force', async () => {
  files.texts.set('/home/arc.json', ' \n');
  await importing();
  files.texts.set('/home/arc.json', SAMPLE);
  await expect(importing()).rejects.toMatchObject({
    kind: 'configuration',
    what: 'cannot write /home/arc.json',
    next: [expect.stringContaining('--force')],
  });
  expect(files.texts.get('/home/arc.json')).toBe(SAMPLE);
  await importing({ force: true });
  expect(files.texts.get('/home/arc.json')).not.toBe(SAMPLE);
});

it('writes nothing if the text has faults', async () => {
  files.texts.set('/home/a.conf', CONF.replace('[Peer]', ''));
  await expect(importing({ force: true })).rejects.toMatchObject({ kind: 'configuration' });
  expect(files.texts.has('/home/arc.json')).toBe(false);
});
