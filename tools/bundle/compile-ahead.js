/**
 * Runs NAME.cjs, an asset of the single executable, for `version`, and writes the code that was compiled on the way
 * into NAME.cache: what each command goes through. Run by the Node that is in the executable.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';

const [name] = process.argv.splice(2, Infinity, 'version');
const script = new Script(readFileSync(`${name}.cjs`, 'latin1'), { filename: `${name}.cjs` });
process.on('exit', () => writeFileSync(`${name}.cache`, script.createCachedData()));
const exports = {};
script.runInThisContext()((module) => process.getBuiltinModule(module), { exports }, exports);
