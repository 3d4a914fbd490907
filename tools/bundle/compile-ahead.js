/**
 * Runs `version` in NAME.cjs, an asset of the single executable, and writes the code compiled in
 * that run to NAME.cache. Every command uses this code. This script is run by the executable's own
 * Node.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';

const [name] = process.argv.splice(2, Infinity, 'version');
const script = new Script(readFileSync(`${name}.cjs`, 'latin1'), { filename: `${name}.cjs` });
process.on('exit', () => writeFileSync(`${name}.cache`, script.createCachedData()));
const exports = {};
script.runInThisContext()((module) => process.getBuiltinModule(module), { exports }, exports);
