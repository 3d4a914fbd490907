/** Native addons for Linux, by architecture, for the single executable. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { packageFiles } from '../../dist/src/lambda/layer/package-files.js';
import { stripSymbols } from '../../dist/src/lambda/layer/strip-symbols.js';
import { REPOSITORY } from './bundles.js';

const NAMES = { x86_64: 'x64', arm64: 'arm64' };
const locked = JSON.parse(readFileSync(`${REPOSITORY}package-lock.json`, 'utf8')).packages;

/**
 * @param {'x86_64' | 'arm64'} architecture
 * @param {string} cache the folder for downloaded npm packages
 * @returns {Record<string, Uint8Array>} the assets by name
 * @throws Error if a package is missing and cannot be downloaded
 */
export function addonsOf(architecture, cache) {
  const name = NAMES[architecture];
  const sodium = `node_modules/sodium-native/prebuilds/linux-${name}/sodium-native.node`;
  return {
    'koffi.node': koffi(name, cache),
    // The package contains its addon with symbols, which are a fifth of the file.
    'sodium-native.node': stripSymbols(readFileSync(join(REPOSITORY, sodium))),
  };
}

/** Returns koffi's addon. npm installs only the package for this machine; others are downloaded. */
function koffi(name, cache) {
  const path = `node_modules/@koromix/koffi-linux-${name}`;
  const file = `linux_${name}/koffi.node`;
  const installed = join(REPOSITORY, path, file);
  if (existsSync(installed)) return readFileSync(installed);
  const { version, integrity } = locked[path];
  const archive = join(cache, `koromix-koffi-linux-${name}-${version}.tgz`);
  // A killed download may have left a part of the file.
  if (!isWhole(archive, integrity)) {
    const wanted = `@koromix/koffi-linux-${name}@${version}`;
    // `npm pack --dry-run` passes its option to the scripts that it runs.
    const options = ['--dry-run=false', '--ignore-scripts', '--silent'];
    const command = ['pack', wanted, `--pack-destination=${cache}`, ...options];
    execFileSync('npm', command, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
  if (!isWhole(archive, integrity))
    throw new Error(`${archive} is not what package-lock.json names`);
  const [addon] = packageFiles(readFileSync(archive), [`package/${file}`]);
  return addon;
}

function isWhole(archive, integrity) {
  if (!existsSync(archive)) return false;
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64');
  return integrity === `sha512-${digest}`;
}
