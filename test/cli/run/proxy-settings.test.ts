import { resolve } from 'node:path';

import { proxySettings } from '../../../src/cli/run/proxy-settings.js';
import { PrivateFileError } from '../../../src/ports/private-files.js';

const FLAGS = {
  'proxy-listen': '127.0.0.1:0',
  'proxy-password-file': undefined,
  dns: '100.127.0.53',
  'allow-open': false,
  'allow-host': undefined,
  'allow-origin': undefined,
};

function settings(
  flags: Partial<Record<keyof typeof FLAGS, string>>,
  text: string | Error = '',
  env = {},
) {
  const readText = () => (text instanceof Error ? Promise.reject(text) : Promise.resolve(text));
  const readStandardInput = () => Promise.reject(new Error('not read'));
  return proxySettings({ ...FLAGS, ...flags } as Parameters<typeof proxySettings>[0], {
    env,
    privateFiles: () => Promise.resolve({ readText, readStandardInput }),
  });
}

async function password(...parameters: Parameters<typeof settings>): Promise<string | undefined> {
  const bytes = (await settings(...parameters))?.password?.expose();
  return bytes && Buffer.from(bytes).toString();
}

it('reads the password from the file, without the end of its line', async () => {
  const file = { 'proxy-password-file': 'p' };
  expect(await password(file, 'pass wörd\n')).toBe('pass wörd');
  expect(await password(file, 'pass\r\n')).toBe('pass');
  expect(await password(file, ' pass ')).toBe(' pass ');
  expect(await password(file, 'file', { ARCTUN_PROXY_PASSWORD: 'variable' })).toBe('file');
});

it('reads the password from the variable, and needs none', async () => {
  expect(await password({}, '', { ARCTUN_PROXY_PASSWORD: 'variable' })).toBe('variable');
  expect(await password({}, '', { ARCTUN_PROXY_PASSWORD: '' })).toBeUndefined();
  expect(await password({})).toBeUndefined();
});

it('does not print the password', async () => {
  const all = await settings({}, '', { ARCTUN_PROXY_PASSWORD: 'variable' });
  expect(JSON.stringify(all)).not.toContain('variable');
});

it.each([
  ['an empty file', '\n', 'p: the password is empty'],
  ['two lines', 'a\nb', 'p: the password must be one line without control characters'],
  ['a control character', 'a\x7f', 'p: the password must be one line without control characters'],
  ['256 bytes', 'x'.repeat(256), 'p: the password must not exceed 255 bytes'],
])('refuses %s', async (_name, text, why) => {
  await expect(settings({ 'proxy-password-file': 'p' }, text)).rejects.toMatchObject({
    kind: 'configuration',
    what: 'cannot use the password of the proxy (--proxy-password-file)',
    why,
  });
  expect(await password({ 'proxy-password-file': 'p' }, 'x'.repeat(255))).toHaveLength(255);
});

it('names the variable that contains an invalid password, but not the password', async () => {
  await expect(settings({}, '', { ARCTUN_PROXY_PASSWORD: 'a\nb' })).rejects.toMatchObject({
    what: 'cannot use the password of the proxy (ARCTUN_PROXY_PASSWORD)',
    why: 'the password must be one line without control characters',
  });
});

it('refuses a file that others can read', async () => {
  const error = new PrivateFileError('too-open', 'the file mode is 0644');
  await expect(settings({ 'proxy-password-file': 'p' }, error)).rejects.toMatchObject({
    kind: 'permission',
    what: 'cannot read the password of the proxy (--proxy-password-file)',
    why: 'p: the file mode is 0644',
    next: ['Run: chmod 600 p'],
  });
});

it('refuses a password file if the proxy is off, and does not read it', async () => {
  const failing = new Error('must not be read');
  await expect(
    settings({ 'proxy-listen': 'off', 'proxy-password-file': 'p' }, failing),
  ).rejects.toMatchObject({
    kind: 'usage',
    what: 'cannot use --proxy-password-file with --proxy-listen=off',
  });
  const variable = { ARCTUN_PROXY_PASSWORD: 'variable' };
  expect(await settings({ 'proxy-listen': 'off' }, failing, variable)).toBeUndefined();
});

it('makes the path of a socket absolute', async () => {
  const { listen } = (await settings({ 'proxy-listen': './p.sock' }))!;
  expect(listen).toEqual({ path: resolve('p.sock') });
});
