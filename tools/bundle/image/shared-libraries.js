/** Finds the shared libraries that a program loads, among those that Debian has installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * For each architecture, the folders of Debian's libraries (its own packages, then the packages for
 * cross-compiling), and the packages with the libraries' licenses.
 */
const DEBIAN = {
  x86_64: sourceOf('x86_64-linux-gnu', 'amd64'),
  arm64: sourceOf('aarch64-linux-gnu', 'arm64'),
};

function sourceOf(triple, debianName) {
  const cross = `-${debianName}-cross`;
  return {
    folders: [`/lib/${triple}`, `/usr/lib/${triple}`, `/usr/${triple}/lib`],
    packages: [
      ['libc6', `libc6${cross}`],
      ['libstdc++6', `libstdc++6${cross}`],
      ['libgcc-s1', `libgcc-s1${cross}`],
    ],
    install: `libc6${cross} libstdc++6${cross} libgcc-s1${cross}`,
  };
}

/**
 * Returns the files that a program needs in an image: its dynamic loader at the path that the
 * program names, its libraries in /lib, which every loader searches, and their licenses.
 *
 * @param program the path of an ELF file
 * @throws Error if a library is not installed
 */
export function librariesOf(program, architecture) {
  const source = DEBIAN[architecture];
  const { interpreter, needed } = dynamicSection(program);
  const files = new Map([[interpreter, find(basename(interpreter), source)]]);
  const pending = [...needed];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const path = `/lib/${name}`;
    if (files.has(path) || name === basename(interpreter)) continue;
    const file = find(name, source);
    files.set(path, file);
    pending.push(...dynamicSection(file).needed);
  }
  return [
    ...[...files].map(([path, file]) => entry(path, 0o755, file)),
    ...source.packages.map(licenseOf),
  ];
}

function licenseOf([name, cross]) {
  const file = (each) => `/usr/share/doc/${each}/copyright`;
  const place = [file(name), file(cross)].find((each) => existsSync(each));
  if (place === undefined) throw new Error(`the license of ${name} is missing: ${file(name)}`);
  return entry(file(name), 0o644, place);
}

function entry(path, mode, file) {
  return { path, mode, content: readFileSync(realpathSync(file)) };
}

function find(name, { folders, install }) {
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file !== undefined) return file;
  throw new Error(`${name} is in none of ${folders.join(', ')}; on Debian, install ${install}`);
}

/** Returns the dynamic loader and the libraries that an ELF file names. */
function dynamicSection(file) {
  const text = execFileSync('readelf', ['--wide', '--program-headers', '--dynamic', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return {
    interpreter: /Requesting program interpreter: ([^\]]+)\]/.exec(text)?.[1],
    needed: [...text.matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)].map(([, name]) => name),
  };
}
