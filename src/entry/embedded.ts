/** Runs a program that the single executable has as an asset, with its compiled code beside it. */
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

/** What a CommonJS program takes. */
type Program = (require: (name: string) => unknown, module: object, exports: object) => void;

/** @param name of the assets NAME.cjs and NAME.cache, which tools/bundle/build-executable.js has written */
export function runEmbedded(name: string): void {
  // All of its characters are ASCII: read as Latin-1, it takes one byte for each in memory.
  const source = readAsset(`${name}.cjs`).toString('latin1');
  const script = new Script(source, {
    filename: `${name}.cjs`,
    cachedData: readAsset(`${name}.cache`),
  });
  const program = script.runInThisContext() as Program;
  const exports = {};
  program(requireBuiltin, { exports }, exports);
}

function readAsset(key: string): Buffer {
  return Buffer.from(getRawAsset(key) as ArrayBuffer);
}

/** Built-in modules only: a file beside the executable could be anyone's. */
function requireBuiltin(name: string): unknown {
  const found: unknown = process.getBuiltinModule(name);
  if (found === undefined) throw new Error(`${name} is not in this executable`);
  return found;
}
