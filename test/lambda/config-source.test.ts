import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { FileError } from '../../src/ports/files.js';
import { findConfigs } from '../../src/lambda/config-source.js';
import { NotYetError } from '../../src/lambda/not-yet-error.js';
import type { ConfigPlace } from '../../src/lambda/settings.js';
import type { UserError } from '../../src/lib/errors/user-error.js';
import { systemFiles } from '../../src/system/files/files.js';
import { MemoryFiles } from '../arc-config/memory-files.js';
import { PRIVATE_KEY, SAMPLE, sampleWith } from '../arc-config/sample.js';

const OTHER_KEY = Buffer.alloc(32, 8).toString('base64');
const OTHER = sampleWith({ privateKey: OTHER_KEY });
const BROKEN = sampleWith({ privateKey: 'short' });
const LIST = `[${SAMPLE},${OTHER}]`;
const base64 = (text: string) => Buffer.from(text).toString('base64');

let files: MemoryFiles;
let secrets: Map<string, string>;

beforeEach(() => {
  files = new MemoryFiles();
  secrets = new Map();
});

const find = (place: ConfigPlace) =>
  findConfigs(place, {
    files,
    taskRoot: '/var/task',
    readSecret: ({ kind, name }) => {
      const text = secrets.get(`${kind} ${name}`);
      if (text !== undefined) return Promise.resolve(text);
      return Promise.reject(new NotYetError('configuration', { what: 'cannot', why: 'later' }));
    },
  });
const findValue = (value: string) => find({ kind: 'value', value });
const findFiles = (...paths: string[]) => find({ kind: 'files', paths });

const sourcesOf = async (found: ReturnType<typeof find>) =>
  (await found).configs.map(({ source }) => source);

/** As the system reports it: the path to be read as a file is a folder. */
function folder(path: string, texts: Record<string, string>): void {
  files.failures.set(`readText ${path}`, new FileError('is-folder', path, 'it is a folder'));
  for (const [name, text] of Object.entries(texts)) files.texts.set(`${path}/${name}`, text);
}

describe('a value', () => {
  it.each([
    ['JSON', SAMPLE],
    ['its base64', base64(SAMPLE)],
    ['base64 split into lines', base64(SAMPLE).replaceAll(/.{76}/g, '$&\n')],
  ])('is %s', async (_, value) => {
    const { configs, faults } = await findValue(value);
    expect(configs).toMatchObject([{ source: 'the inline configuration', path: undefined }]);
    expect(Buffer.from(configs[0]!.config.privateKey.expose()).toString('base64')).toBe(
      PRIVATE_KEY,
    );
    expect(faults).toEqual([]);
  });

  it.each([
    ['JSON', LIST],
    ['JSON split into lines', `\n ${LIST}\n`],
    ['its base64', base64(LIST)],
    ['base64 of it split into lines', base64(`${LIST}\n`).replaceAll(/.{76}/g, '$&\n')],
  ])('is a list: %s', async (_, value) => {
    const name = 'the inline configuration';
    await expect(sourcesOf(findValue(value))).resolves.toEqual([`${name}[0]`, `${name}[1]`]);
  });

  it('is a path, relative to the folder of the function if it is not absolute', async () => {
    files.texts.set('/var/task/conf/arc.json', SAMPLE).set('/opt/arc.json', OTHER);
    await expect(findValue('conf/arc.json')).resolves.toMatchObject({
      configs: [{ source: '/var/task/conf/arc.json', path: '/var/task/conf/arc.json' }],
    });
    await expect(sourcesOf(findValue('/opt/arc.json'))).resolves.toEqual(['/opt/arc.json']);
  });

  it('is a path, even if it consists of base64 digits', async () => {
    files.texts.set('/var/task/arc/json', SAMPLE);
    await expect(sourcesOf(findValue('arc/json'))).resolves.toEqual(['/var/task/arc/json']);
  });

  it('reports which path cannot be read, and why', async () => {
    await expect(findValue('arc.json')).rejects.toMatchObject({
      name: 'UserError',
      kind: 'configuration',
      message: 'cannot read /var/task/arc.json: no such file',
    });
  });

  it.each([
    ['JSON without its first brace', SAMPLE.slice(1)],
    ['JSON in quotes', `'${SAMPLE}'`],
    ['base64 without its end', base64(SAMPLE).slice(0, 120)],
    [
      'base64 of JSON in one line without its end',
      base64(JSON.stringify({ a: PRIVATE_KEY })).slice(0, -8),
    ],
    ['base64 of a list without its end', base64(LIST).slice(0, 120)],
    ['base64 of text in quotes', base64(`"${PRIVATE_KEY}`)],
    ['a key', PRIVATE_KEY],
    ['too long for a path', 'A'.repeat(256)],
  ])('is not shown if it may be a secret: %s', async (_, value) => {
    const failure = await findValue(value).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ name: 'UserError', what: 'cannot use ARCTUN_CONFIG' });
    expect((failure as Error).cause).toBeUndefined();
  });

  it.each([LIST.slice(0, -1), `[${PRIVATE_KEY}]`, `["${PRIVATE_KEY}"]`])(
    'is not shown if it is a broken list',
    async (value) => {
      const failure = await findValue(value).catch((error: unknown) => error as Error);
      expect(failure).toMatchObject({ kind: 'configuration' });
      expect((failure as Error).message).not.toContain(PRIVATE_KEY);
    },
  );
});

describe('files', () => {
  it('use the first one that exists', async () => {
    files.texts.set('/b', SAMPLE).set('/c', OTHER);
    files.failures.set('readText /a', new FileError('no-folder', '/a', 'no folder'));
    await expect(sourcesOf(findFiles('/a', '/x', '/b', '/c'))).resolves.toEqual(['/b']);
  });

  it('do not fall back if an existing one cannot be read', async () => {
    files.texts.set('/b', SAMPLE);
    files.failures.set('readText /a', new FileError('denied', '/a', 'permission denied'));
    await expect(findFiles('/a', '/b')).rejects.toMatchObject({
      kind: 'configuration',
      message: 'cannot read /a: permission denied',
    });
  });

  it('report, if none exists, which were tried, and the alternatives', async () => {
    await expect(findFiles('/a', '/b')).rejects.toMatchObject({
      kind: 'configuration',
      message: 'the extension has no configuration: not found: /a, /b',
      next: [expect.stringContaining('ARCTUN_CONFIG_SECRET')],
    });
  });

  it('are read from a folder, in the order of their names, without other files', async () => {
    folder('/pool', { 'b.json': SAMPLE, 'a.json': OTHER, 'README.md': '#' });
    const sources = await sourcesOf(findValue('/pool'));
    expect(sources).toEqual(['/pool/a.json', '/pool/b.json']);
  });

  it('is read from a folder of the file system', async () => {
    const pool = mkdtempSync(join(tmpdir(), 'arctun-pool-'));
    try {
      writeFileSync(join(pool, 'a.json'), SAMPLE);
      writeFileSync(join(pool, 'b.json'), OTHER);
      const ports = {
        files: systemFiles,
        taskRoot: '/',
        readSecret: () => Promise.reject(new Error('no secret')),
      };
      const { configs } = await findConfigs({ kind: 'value', value: pool }, ports);
      expect(configs).toHaveLength(2);
    } finally {
      rmSync(pool, { recursive: true });
    }
  });

  it('may be missing in a folder', async () => {
    folder('/pool', { 'README.md': '#' });
    await expect(findValue('/pool')).rejects.toMatchObject({
      kind: 'configuration',
      message: 'cannot use /pool: found none, expected one or more arc.json files',
    });
    folder('/void', {});
    await expect(findValue('/void')).rejects.toMatchObject({
      name: 'UserError',
      message: 'cannot read /void: it is a folder',
    });
  });

  it('in a folder may contain lists', async () => {
    folder('/pool', { 'a.json': LIST });
    await expect(sourcesOf(findValue('/pool'))).resolves.toHaveLength(2);
  });
});

describe.each(['secret', 'parameter'] as const)('a %s', (kind) => {
  it.each([
    ['an arc.json', SAMPLE],
    ['its base64', base64(SAMPLE)],
    ['the beginning of its base64', base64(SAMPLE).slice(0, 100)],
    ['a key', PRIVATE_KEY],
  ])('cannot be named by %s, which is not shown', async (_, name) => {
    secrets.set(`${kind} ${name}`, SAMPLE);
    const error = await find({ kind, name }).catch((thrown: unknown) => thrown as UserError);
    expect(error).toMatchObject({ what: `cannot use ARCTUN_CONFIG_${kind.toUpperCase()}` });
    expect(inspect(error)).not.toContain(name.slice(0, 12));
  });

  it('may have a name that contains a word for secrets', async () => {
    const name =
      'arn:aws:secretsmanager:us-east-1:012345678912:secret:secret-arc/api-key1234-AbCdEf';
    secrets.set(`${kind} ${name}`, SAMPLE);
    await expect(sourcesOf(find({ kind, name }))).resolves.toHaveLength(1);
  });

  it('contains one configuration or a list', async () => {
    secrets.set(`${kind} one`, SAMPLE).set(`${kind} two`, LIST);
    await expect(sourcesOf(find({ kind, name: 'one' }))).resolves.toEqual([`${kind} one`]);
    const two = [`${kind} two[0]`, `${kind} two[1]`];
    await expect(sourcesOf(find({ kind, name: 'two' }))).resolves.toEqual(two);
  });

  it('may be missing at first', async () => {
    await expect(find({ kind, name: 'one' })).rejects.toBeInstanceOf(NotYetError);
  });
});

describe('a pool', () => {
  it('includes each SIM once', async () => {
    await expect(findValue(`[${SAMPLE},${OTHER},${SAMPLE}]`)).resolves.toMatchObject({
      configs: { length: 2 },
      faults: [],
    });
  });

  it('skips members that are not usable, and reports each', async () => {
    const { configs, faults } = await findValue(`[${BROKEN},7,{},${SAMPLE}]`);
    expect(configs).toMatchObject([{ source: 'the inline configuration[3]' }]);
    expect(faults.map(({ what }) => what)).toEqual([
      'cannot use the inline configuration[0]',
      'cannot use the inline configuration[1]',
      'cannot use the inline configuration[2]',
    ]);
  });

  it('skips files that cannot be read', async () => {
    folder('/pool', { 'a.json': SAMPLE, 'b.json': OTHER });
    files.failures.set('readText /pool/a.json', new FileError('denied', '/pool/a.json', 'denied'));
    const { configs, faults } = await findValue('/pool');
    expect(configs).toMatchObject([{ source: '/pool/b.json' }]);
    expect(faults).toMatchObject([{ message: 'cannot read /pool/a.json: denied' }]);
  });

  it('fails if no member is usable, with the reason of the first', async () => {
    await expect(findValue(`[${BROKEN},7]`)).rejects.toMatchObject({
      name: 'ArcConfigError',
      what: 'cannot use the inline configuration[0]',
    });
  });

  it('needs at least one member', async () => {
    await expect(findValue('[]')).rejects.toMatchObject({
      message:
        'cannot use the inline configuration: found none, expected one or more arc.json files',
    });
  });

  it('does not hide errors other than those of its members', async () => {
    folder('/pool', { 'a.json': SAMPLE });
    files.failures.set('readText /pool/a.json', new RangeError('ours'));
    await expect(findValue('/pool')).rejects.toThrow(RangeError);
  });
});
