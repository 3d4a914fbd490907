/** Builds the Debian package from the single executable: the same input gives the same bytes. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { gzipSync } from 'fflate';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
const UNITS = ['arctun.service', 'arctun-tun.service'];
/** Where each shell looks for completion scripts. */
const COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions/arctun',
  fish: 'usr/share/fish/vendor_completions.d/arctun.fish',
  zsh: 'usr/share/zsh/vendor-completions/_arctun',
};
/** The oldest libraries that contain the symbols which Node's executable needs. */
const LIBRARIES = 'libc6 (>= 2.28), libgcc-s1 (>= 3.4), libstdc++6 (>= 7)';
/** One thread, because the bytes depend on whether there are several. */
const COMPRESSION = ['-Zxz', '-z6', '--threads-max=1'];

/**
 * @typedef {object} Contents
 * @property {Uint8Array} executable
 * @property {string} license arctun's own
 * @property {string} notices the licenses of the libraries in the executable
 * @property {string} bill the bill of materials of the executable
 * @property {string} [changelog] the file CHANGELOG.md, if it exists
 * @property {Map<string, string>} manual the manual pages by file name
 * @property {Record<'bash' | 'fish' | 'zsh', string>} completions
 */

/**
 * @param {string} file the package to write
 * @param {'amd64' | 'arm64'} architecture
 * @param {{ version: string, maintainer: string, time: number }} release the time in seconds, which
 * all files get
 * @param {Contents} contents
 * @param {readonly string[]} [compression] options of dpkg-deb
 */
export function writeDebianPackage(
  file,
  architecture,
  release,
  contents,
  compression = COMPRESSION,
) {
  // Next to the package, because the next build removes what a killed build leaves there.
  const folder = mkdtempSync(`${file}-`);
  try {
    const files = installedFiles(release, contents);
    for (const [path, entry] of files) writeEntry(folder, path, entry);
    for (const [name, entry] of controlFiles(architecture, release, files))
      writeEntry(folder, `DEBIAN/${name}`, entry);
    chmodSync(join(folder, 'etc/arctun'), 0o700);
    chmodSync(folder, 0o755);
    execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', folder, file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(release.time) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns Debian's form of a version, in which `~` sorts before the end. */
export function debianVersion(version) {
  return version.replaceAll('-', '~');
}

function installedFiles(release, contents) {
  const { executable, license, notices, bill, changelog, manual, completions } = contents;
  const documents = 'usr/share/doc/arctun';
  return new Map([
    ['usr/bin/arctun', program(executable)],
    ['etc/arctun/environment', text(own('environment'))],
    ...UNITS.map((name) => [`usr/lib/systemd/system/${name}`, text(unitOf(name))]),
    ...Object.entries(COMPLETIONS).map(([shell, path]) => [path, text(completions[shell])]),
    ...[...manual].map(([name, page]) => [`usr/share/man/man1/${name}.gz`, packed(page)]),
    [`${documents}/copyright`, text(copyrightOf(license))],
    [`${documents}/NOTICES.gz`, packed(notices)],
    [`${documents}/sbom.json.gz`, packed(bill)],
    [`${documents}/changelog.gz`, packed(debianChangelog(release, changelog !== undefined))],
    ...(changelog === undefined ? [] : [[`${documents}/CHANGELOG.md.gz`, packed(changelog)]]),
    ['usr/share/lintian/overrides/arctun', text(own('lintian-overrides'))],
  ]);
}

function controlFiles(architecture, release, files) {
  const all = [...files];
  const configuration = all.map(([path]) => path).filter((path) => path.startsWith('etc/'));
  const sums = all
    .filter(([path]) => !configuration.includes(path))
    .map(([path, { bytes }]) => `${createHash('md5').update(bytes).digest('hex')}  ${path}\n`);
  return [
    ['control', text(control(architecture, release, sizeOf(all)))],
    ['conffiles', text(configuration.map((path) => `/${path}\n`).join(''))],
    ['md5sums', text(sums.join(''))],
    ...SCRIPTS.map((name) => [name, program(own(name))]),
  ];
}

function control(architecture, { version, maintainer }, kibibytes) {
  return `Package: arctun
Version: ${debianVersion(version)}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kibibytes}
Depends: ${LIBRARIES}
Section: net
Priority: optional
Description: tunnel to SORACOM Arc without a SIM card or root access
 arctun creates a virtual SIM and opens a WireGuard tunnel to SORACOM Arc. It
 offers the tunnel as a local forwarder and proxy, without any privileges, or
 as a network interface.
 .
 The package contains Node.js and two services for systemd. No service starts
 until you enable it.
`;
}

/** Returns the installed size as dpkg counts it, in KiB. */
function sizeOf(files) {
  return files.reduce((sum, [, { bytes }]) => sum + Math.ceil(bytes.length / 1024), 0);
}

function debianChangelog({ version, maintainer, time }, hasChanges) {
  // Debian writes the time as RFC 5322 does, with a numeric zone.
  const date = new Date(time * 1000).toUTCString().replace(/GMT$/, '+0000');
  return `arctun (${debianVersion(version)}) stable; urgency=medium

  * Release ${version}.${hasChanges ? ' CHANGELOG.md.gz lists the changes.' : ''}

 -- ${maintainer}  ${date}
`;
}

function copyrightOf(license) {
  return `arctun has this license:

${license.trimEnd()}

The executable also contains Node.js and libraries. Their licenses are in
NOTICES.gz in this folder, and sbom.json.gz lists them.
`;
}

/** Returns a unit that refers to the package's documentation. */
function unitOf(name) {
  const unit = readFileSync(join(REPOSITORY, 'deploy/systemd', name), 'utf8');
  return unit.replace(/^Documentation=.*$/m, 'Documentation=man:arctun-up(1)');
}

function own(name) {
  return readFileSync(join(REPOSITORY, 'tools/release/debian', name), 'utf8');
}

function text(content) {
  return { bytes: Buffer.from(content), mode: 0o644 };
}

function program(content) {
  return { bytes: Buffer.from(content), mode: 0o755 };
}

function packed(content) {
  return { bytes: gzipSync(Buffer.from(content), { level: 9, mtime: 0 }), mode: 0o644 };
}

/** Writes a file and its folders with their modes, whatever the umask is. */
function writeEntry(folder, path, { bytes, mode }) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  chmodSync(file, mode);
  for (let parent = dirname(file); parent !== folder; parent = dirname(parent))
    chmodSync(parent, 0o755);
}
