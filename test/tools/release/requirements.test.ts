import { missingRequirements } from '../../../tools/release/requirements.js';

const ESBUILD = 'node_modules/esbuild/package.json';

it('has everything on a machine with all packages', () => {
  expect(missingRequirements('linux', 'x64', () => true)).toBeUndefined();
});

it('names everything that is missing at once, with one command that installs it', () => {
  const present = ['git', 'dpkg-deb', 'readelf', '/usr/aarch64-linux-gnu/lib/libc.so.6'];
  const message = missingRequirements('linux', 'x64', (wanted: string) =>
    [...present, ESBUILD].includes(wanted),
  );
  expect(message).toMatch(/^This machine lacks qemu-aarch64-static, .*libgcc_s\.so\.1\.$/m);
  expect(message).toMatch(
    /apt-get install qemu-user-static libstdc\+\+6-arm64-cross libgcc-s1-arm64-cross$/,
  );
});

it('asks for npm ci if the packages are missing', () => {
  const message = missingRequirements('linux', 'x64', (wanted: string) => wanted !== ESBUILD);
  expect(message).toBe('The npm packages are not installed. Run: npm ci');
});

it.each([
  ['darwin', 'arm64'],
  ['linux', 'arm64'],
])('refuses %s on %s', (platform, architecture) => {
  expect(missingRequirements(platform, architecture, () => true)).toContain(platform);
});
