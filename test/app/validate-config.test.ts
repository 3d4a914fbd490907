import { validateConfig } from '../../src/app/validate-config.js';
import type { ArcConfigError } from '../../src/arc-config/arc-config-error.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { PUBLIC_KEY, SAMPLE, sampleWith, SERVER_KEY, ZERO_KEY } from '../arc-config/sample.js';

const files = new MemoryFiles();
const publicKeyOf = () => Uint8Array.from(Buffer.from(PUBLIC_KEY, 'base64'));
const validate = (value: string) => validateConfig(value, { files, publicKeyOf });

it('finds nothing in a good file', async () => {
  files.texts.set('/home/arc.json', SAMPLE);
  expect(await validate('arc.json')).toEqual([]);
});

it('finds all faults at once: what is wrong in its order, then what is missing', async () => {
  files.texts.set(
    '/home/arc.json',
    '{\n"mtu": "x",\n"arcSessionStatus": {\n"arcServerEndpoint": "h:http",\n"arcAllowedIPs": [1, "10.0.0.0/8"]}}',
  );
  const error = await validate('arc.json').catch((thrown: unknown) => thrown as ArcConfigError);
  expect(error).toMatchObject({ kind: 'configuration', file: 'arc.json' });
  expect((error as ArcConfigError).faults.map(({ line, keyPath }) => [line, keyPath])).toEqual([
    [2, 'mtu'],
    [4, 'arcSessionStatus.arcServerEndpoint'],
    [5, 'arcSessionStatus.arcAllowedIPs[0]'],
    [0, 'privateKey'],
    [0, 'arcSessionStatus.arcServerPeerPublicKey'],
    [0, 'arcSessionStatus.arcClientPeerIpAddress'],
  ]);
});

it('tells nothing twice', async () => {
  const error = (await validate('{"privateKey": 1, "arcSessionStatus": 2}').catch(
    (thrown: unknown) => thrown,
  )) as ArcConfigError;
  expect(error.faults.map(({ keyPath, found }) => `${keyPath}: ${found}`)).toEqual([
    'privateKey: a number',
    'arcSessionStatus: 2',
  ]);
});

it('tells what is no object', async () => {
  await expect(validate(`  {"a": 1} x`)).rejects.toThrow('the inline configuration');
  files.texts.set('/home/list.json', '[]');
  await expect(validate('list.json')).rejects.toThrow('found an array, expected an object');
});

it('warns of a public key that is not the private key’s', async () => {
  const warnings = await validate(sampleWith({ publicKey: SERVER_KEY }));
  expect(warnings).toEqual([
    expect.stringMatching(/^publicKey in the inline configuration is not/),
  ]);
  expect(await validate(sampleWith({ publicKey: ZERO_KEY }))).toEqual([]);
});
