/** dist/bundle, as written by `npm run build`. */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { SourceTextModule } from 'node:vm';

import { ARCTUN, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const folder = join(REPOSITORY, 'dist/bundle');
const chunks = readdirSync(folder).filter((name) => name.endsWith('.js'));

it('contains the entry points of the command and the library', () => {
  expect(chunks).toEqual(expect.arrayContaining(['npm.js', 'index.js']));
});

it.each(chunks)('compiles: %s', (name) => {
  expect(() => new SourceTextModule(readFileSync(join(folder, name), 'utf8'))).not.toThrow();
});

it('loads no packages except those with native code', () => {
  const loaded = chunks.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const calls = /(?:^import (?:.* from )?|\bimport\(|\b__require\()["'`]([^"'`.][^"'`]*)["'`]/gm;
    return [...text.matchAll(calls)].map(([, specifier = '']) => specifier);
  });
  const packages = new Set(loaded.filter((specifier) => !isBuiltin(specifier)));
  // oclif imports the others only for a project in TypeScript.
  const ofCode = [...packages].filter((name) => !/^(typescript|ts-node|tsx)(\/|$)/.test(name));
  expect(ofCode.sort()).toEqual([
    '@koromix/koffi-${process.platform}-${process.arch}',
    'koffi',
    'sodium-native/prebuilds/${process.platform}-${process.arch}/sodium-native.node',
    // Only fetch() of a tunnel loads it.
    'undici',
  ]);
});

it('contains the library without the command line', () => {
  const loaded = loadedWith('index.js');
  const commandLine = /\/\/ (node_modules\/(@oclif|axios|inquirer)|src\/(cli|entry))\//;
  for (const text of loaded) expect(text).not.toMatch(commandLine);
  expect(loaded.length).toBeGreaterThan(3);
});

it.each([
  ['up', 28],
  ['version', 8],
])('loads %s from at most %i files', (command, most) => {
  const file = chunks.find((name) => name.startsWith(`${command}-`));
  expect(loadedWith(file!).length).toBeLessThanOrEqual(most);
});

it('keeps the names of error classes, which Node.js prints', () => {
  const renamed = chunks.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return [...text.matchAll(/class (_\w+Error\d*) extends UserError/g)].map(([, found]) => found);
  });
  expect(renamed).toEqual([]);
});

it("fills in the templates of a command's help", async () => {
  const processes = new Processes();
  const help = await processes.run([process.execPath, ARCTUN, 'config', '--help']);
  expect(help.stdout).toContain('$ arctun config --config arc.json\n');
  await processes.close();
});

/** Returns the contents of a chunk and of the chunks that it imports. */
function loadedWith(chunk: string): string[] {
  const reached = new Map<string, string>();
  const read = (name: string) => {
    if (reached.has(name)) return;
    const text = readFileSync(join(folder, name), 'utf8');
    reached.set(name, text);
    for (const [, file = ''] of text.matchAll(/(?:from |import )"\.\/([^"]+)"/g)) read(file);
  };
  read(chunk);
  return [...reached.values()];
}

describeWith(['linux', 'koffi'], 'the native code', () => {
  it('loads', async () => {
    const processes = new Processes();
    const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
    const arcSessionStatus = {
      arcServerPeerPublicKey: key(9),
      // The discard port: nothing answers.
      arcServerEndpoint: '127.0.0.1:9',
      arcAllowedIPs: ['100.127.0.0/16'],
      arcClientPeerIpAddress: '10.0.0.2',
    };
    const config = JSON.stringify({ privateKey: key(8), simId: '1', arcSessionStatus });
    const words = ['up', '--socket', 'batch', '--wait', '1', '--config', config];
    const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];
    const up = await processes.run([process.execPath, ARCTUN, ...words, ...listen]);
    expect(up.stderr).toContain('no handshake with the Arc server');
    expect(up.code).toBe(5);
    await processes.close();
  });
});
