/** Runs a program that the single executable contains as an asset, with its compiled code. */
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

/** The arguments of a CommonJS module. */
type Program = (require: (name: string) => unknown, module: object, exports: object) => void;

/** @param name prefix of the assets NAME.cjs and NAME.cache (tools/bundle/build-executable.js) */
export function runEmbedded(name: string): void {
  // The source is ASCII, and a Latin-1 string uses only one byte per character in memory.
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

/**
 * Loads only built-in modules, because another user may have written a file next to the executable.
 */
function requireBuiltin(name: string): unknown {
  const found: unknown = process.getBuiltinModule(name);
  if (found === undefined) throw new Error(`${name} is missing from this executable`);
  return found;
}
