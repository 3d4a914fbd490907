import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildWithFewerChunks } from '../../../tools/bundle/fewer-chunks.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-chunks-'));
  mkdirSync(join(folder, 'src'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/**
 * Bundles entry points, each with the names of the modules that it imports. The module `big` is too
 * large to be loaded without need.
 *
 * @returns for each entry point, the modules in the chunks that it loads, by chunk
 */
async function chunksOf(entries: Record<string, string[]>): Promise<Record<string, string[]>> {
  for (const name of new Set(Object.values(entries).flat())) {
    const code = `console.log('${name}${name === 'big' ? 'x'.repeat(200_000) : ''}');`;
    writeFileSync(join(folder, `src/${name}.ts`), code);
  }
  for (const [entry, names] of Object.entries(entries)) {
    const lines = names.map((name) => `import './${name}.js';`);
    writeFileSync(
      join(folder, `src/${entry}.ts`),
      [...lines, `console.log('${entry}');`].join('\n'),
    );
  }
  const { metafile } = await buildWithFewerChunks(
    {
      entryPoints: Object.keys(entries).map((entry) => `src/${entry}.ts`),
      absWorkingDir: folder,
      outdir: join(folder, 'out'),
      bundle: true,
      splitting: true,
      format: 'esm',
      metafile: true,
      plugins: [],
    },
    ['src/fixed.ts'],
  );
  const { outputs } = metafile!;
  const namesIn = (path: string) =>
    Object.keys(outputs[path]!.inputs).map((input) => /(\w+)\.ts$/.exec(input)![1]!);
  return Object.fromEntries(
    Object.values(outputs)
      .filter(({ entryPoint }) => entryPoint !== undefined)
      .map(({ entryPoint, imports }) => [
        /(\w+)\.ts$/.exec(entryPoint!)![1]!,
        imports.map(({ path }) => namesIn(path).sort().join(' ')).sort(),
      ]),
  );
}

it('joins small chunks, even if an entry point does not need all of them', async () => {
  expect(await chunksOf({ one: ['a', 'b'], two: ['b', 'c'], three: ['a', 'c'] })).toEqual({
    one: ['a b c'],
    two: ['a b c'],
    three: ['a b c'],
  });
});

it('does not let an entry point load a large module that it does not need', async () => {
  expect(await chunksOf({ one: ['a', 'big'], two: ['a', 'big'], three: ['a'] })).toEqual({
    one: ['a', 'big'],
    two: ['a', 'big'],
    three: ['a'],
  });
});

it('adds nothing to a fixed entry point', async () => {
  expect(await chunksOf({ fixed: ['a', 'b'], two: ['b', 'c'], three: ['a', 'c'] })).toEqual({
    fixed: ['a b'],
    two: ['a b', 'c'],
    three: ['a b', 'c'],
  });
});

it('evaluates the imports of an entry point in their order', async () => {
  await chunksOf({ one: ['b', 'a'], two: ['b', 'c'], three: ['a', 'c'] });
  const [line] = readFileSync(join(folder, 'out/one.js'), 'utf8').match(/import .*/) ?? [];
  const chunk = readFileSync(join(folder, 'out', line!.match(/[\w-]+\.js/)![0]), 'utf8');
  expect(chunk.match(/"\w"/g)).toEqual(['"b"', '"a"', '"c"']);
});
