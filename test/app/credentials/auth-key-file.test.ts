import { inspect } from 'node:util';
import { readAuthKeyFile } from '../../../src/app/credentials/auth-key-file.js';
import { PrivateFileError, type PrivateFileFailure } from '../../../src/ports/private-files.js';
import { exposed, refusal } from './exposed.js';
import { MemoryPorts } from './memory-ports.js';

let ports: MemoryPorts;
beforeEach(() => {
  ports = new MemoryPorts();
});

async function read(text: string): Promise<unknown> {
  ports.files.set('/key', text);
  return exposed(await readAuthKeyFile('/key', ports.privateFiles));
}

const WHOLE = { authKeyId: 'keyId-1', authKey: 'secret-1' };

it.each([
  ['keyId-1 secret-1', WHOLE],
  ['secret-1 keyId-1', WHOLE],
  ['keyId-1\nsecret-1\n', WHOLE],
  ['\ufeff\r\nsecret-1\r\n\tkeyId-1\r\n', WHOLE],
  ['{"authKeyId": "keyId-1", "authKey": "secret-1", "email": 1}', WHOLE],
  ['\ufeff {"authKey": "secret-1", "authKeyId": "keyId-1"}\n', WHOLE],
  ['secret-1', { authKey: 'secret-1' }],
  ['secret-1\n', { authKey: 'secret-1' }],
  ['{"authKey": "secret-1"}', { authKey: 'secret-1' }],
])('accepts %j', async (text, halves) => {
  expect(await read(text)).toEqual(halves);
});

it.each([
  '',
  ' \n',
  'keyId-1',
  'other',
  'secret-1 other',
  'keyId-1 secret-1 x',
  'secret-1 secret-2',
  'keyId-1 keyId-2 secret-1',
  '{"authKeyId": "keyId-1"}',
  '{"authKey": ""}',
  '{"authKey": 5}',
  '{"authKey": "secret-1"',
  '{}',
])('refuses %j without showing any of it', async (text) => {
  const error = await refusal(read(text));
  expect(error).toMatchObject({
    kind: 'configuration',
    what: 'cannot read the auth key',
    why: '/key does not contain an auth key in a known format',
  });
  expect(inspect(error)).not.toMatch(/secret-1|keyId-1|other/);
});

it('reads standard input for "-"', async () => {
  ports.stdin = 'secret-1 keyId-1';
  expect(exposed(await readAuthKeyFile('-', ports.privateFiles))).toEqual(WHOLE);
  ports.stdin = '';
  expect((await refusal(readAuthKeyFile('-', ports.privateFiles))).why).toMatch(/^standard input /);
});

it.each([
  [
    'too-open',
    'permission',
    ["Run: chmod 600 '/a key'", "Or pass the key on standard input: --auth-key-file - < '/a key'"],
  ],
  ['denied', 'permission', ['Run as the user who owns the file.']],
  ['absent', 'configuration', ['Check the path.']],
  ['failed', 'configuration', ['Choose a file that can be read.']],
] as const)(
  'explains what to do if the file is %s',
  async (failure: PrivateFileFailure, kind, next) => {
    ports.files.set('/a key', new PrivateFileError(failure, 'the reason'));
    expect(await refusal(readAuthKeyFile('/a key', ports.privateFiles))).toMatchObject({
      kind,
      what: 'cannot read the auth key',
      why: '/a key: the reason',
      next,
    });
  },
);
