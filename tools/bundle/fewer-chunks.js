/**
 * Bundles with fewer chunks. esbuild writes one chunk for each set of entry points that share code.
 * Many of these chunks are tiny, but loading one more file takes as long as parsing 30 KB of code.
 * This build lets entry points import shared modules that they do not use, if that saves time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

const BYTES_PER_FILE = 30_000;

/**
 * @param {import('esbuild').BuildOptions} options
 * @param {string[]} fixed entry points that must load only what they import
 * @returns {Promise<import('esbuild').BuildResult>}
 */
export async function buildWithFewerChunks(options, fixed) {
  const { metafile } = await build({ ...options, metafile: true, write: false });
  let chunks = sharedChunks(metafile.outputs);
  for (let best = bestJoin(chunks, fixed); best !== undefined; best = bestJoin(chunks, fixed)) {
    for (const { users } of best.loaded) for (const user of best.users) users.add(user);
    chunks = combined(chunks);
  }
  const imports = importsToAdd(chunks, metafile.inputs);
  const plugins = [moreImports(imports, options.absWorkingDir), ...options.plugins];
  return build({ ...options, plugins });
}

/** Returns the chunks with their users, which are entry points. */
function sharedChunks(outputs) {
  const chunks = new Map();
  for (const [path, { bytes, inputs, entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined || !path.endsWith('.js')) continue;
    // esbuild drops an added import of a package that has no side effects.
    const modules = Object.keys(inputs).filter((name) => name.startsWith('src/'));
    chunks.set(path, { bytes, modules, users: new Set(), imports: new Set() });
  }
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    for (const loaded of reachedFrom(path, (name) => importsOf(outputs[name]))) {
      const chunk = chunks.get(loaded);
      if (chunk === undefined) continue;
      if (entryPoint === undefined) chunks.get(path)?.imports.add(chunk);
      else chunk.users.add(entryPoint);
    }
  }
  return [...chunks.values()];
}

/** Returns the two chunks that save the most time if joined; undefined if no two save time. */
function bestJoin(chunks, fixed) {
  let best;
  for (const [index, one] of chunks.entries()) {
    for (const other of chunks.slice(index + 1)) {
      const join = joined(one, other, fixed);
      if (join.cost < (best?.cost ?? 0)) best = join;
    }
  }
  return best;
}

/** Returns the changes and the cost in bytes if the users of either chunk load both chunks. */
function joined(one, other, fixed) {
  const users = new Set([...one.users, ...other.users]);
  const loaded = reachedFrom(one, ({ imports }) => imports);
  for (const chunk of reachedFrom(other, ({ imports }) => imports)) loaded.add(chunk);
  const usersOfBoth = one.users.size + other.users.size - users.size;
  let cost = -usersOfBoth * BYTES_PER_FILE;
  for (const chunk of loaded) {
    const newUsers = [...users].filter((user) => !chunk.users.has(user));
    const isPossible = chunk.modules.length > 0 && !newUsers.some((user) => fixed.includes(user));
    if (newUsers.length > 0 && !isPossible) cost = Infinity;
    const isJoined = chunk === one || chunk === other;
    cost += newUsers.length * (chunk.bytes + (isJoined ? 0 : BYTES_PER_FILE));
  }
  return { cost, users, loaded };
}

/** Combines chunks that have the same users, as esbuild does. */
function combined(chunks) {
  const byUsers = new Map();
  for (const chunk of chunks) {
    const key = [...chunk.users].sort().join();
    const same = byUsers.get(key);
    if (same === undefined) {
      byUsers.set(key, chunk);
      continue;
    }
    same.bytes += chunk.bytes;
    same.modules.push(...chunk.modules);
    for (const other of chunk.imports) same.imports.add(other);
    for (const { imports } of chunks) if (imports.delete(chunk)) imports.add(same);
  }
  return [...byUsers.values()];
}

/** Returns, for each entry point, the modules to import. */
function importsToAdd(chunks, inputs) {
  const added = new Map();
  for (const { modules, users } of chunks) {
    for (const module of modules) {
      const reached = reachedFrom(module, (name) => importsOf(inputs[name]));
      for (const user of users) {
        // The added import must not create a cycle.
        if (!reached.has(user)) added.set(user, [...(added.get(user) ?? []), module]);
      }
    }
  }
  return added;
}

/** Adds the imports after an entry point's own imports, which thus keep their order. */
function moreImports(added, folder) {
  const modulesOf = new Map([...added].map(([user, modules]) => [join(folder, user), modules]));
  return {
    name: 'more-imports',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const modules = modulesOf.get(path);
        if (modules === undefined) return undefined;
        const lines = modules.map((name) => `import ${JSON.stringify(join(folder, name))};`);
        return { contents: [readFileSync(path, 'utf8'), ...lines].join('\n'), loader: 'ts' };
      });
    },
  };
}

function importsOf({ imports }) {
  return imports
    .filter(({ kind, external }) => kind === 'import-statement' && !external)
    .map(({ path }) => path);
}

/** Returns the start and everything that it imports, directly or indirectly. */
function reachedFrom(start, importsOf) {
  const reached = new Set([start]);
  for (const one of reached) for (const other of importsOf(one)) reached.add(other);
  return reached;
}
