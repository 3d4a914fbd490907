/** Finds out what this machine lacks for a release. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What a release needs: a command or a file, and the Debian package that contains it. */
const NEEDED = [
  ['git', 'git'],
  ['dpkg-deb', 'dpkg'],
  ['readelf', 'binutils'],
  // Compiles the code of the arm64 executable ahead of time.
  ['qemu-aarch64-static', 'qemu-user-static'],
  ['/usr/aarch64-linux-gnu/lib/libc.so.6', 'libc6-arm64-cross'],
  ['/usr/aarch64-linux-gnu/lib/libstdc++.so.6', 'libstdc++6-arm64-cross'],
  ['/usr/aarch64-linux-gnu/lib/libgcc_s.so.1', 'libgcc-s1-arm64-cross'],
];
/** A file of a package that every build uses. */
const INSTALLED = 'node_modules/esbuild/package.json';

/**
 * @param {string} platform
 * @param {string} architecture as Node names it
 * @param {(wanted: string) => boolean} has whether a command or a file exists
 * @returns {string | undefined} the error message, which names everything that is missing
 */
export function missingRequirements(
  platform = process.platform,
  architecture = process.arch,
  has = exists,
) {
  if (platform !== 'linux' || architecture !== 'x64')
    return `A release is built on Linux on x86_64, because arm64 code is compiled in qemu. This machine is ${platform} on ${architecture}.`;
  const missing = NEEDED.filter(([wanted]) => !has(wanted));
  const lines = [];
  if (missing.length > 0)
    lines.push(
      `This machine lacks ${missing.map(([wanted]) => wanted).join(', ')}.`,
      `On Debian, run: apt-get install ${missing.map(([, name]) => name).join(' ')}`,
    );
  if (!has(INSTALLED)) lines.push('The npm packages are not installed. Run: npm ci');
  return lines.length === 0 ? undefined : lines.join('\n');
}

function exists(wanted) {
  if (wanted.includes('/')) return existsSync(wanted);
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', wanted], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
