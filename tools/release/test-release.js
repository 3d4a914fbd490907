/**
 * Everything that a release needs to pass in addition to `.ci/run`: `npm run test:release`. Builds the
 * release of the last commit in two fresh clones at the same time, under different conditions, and
 * runs test/release in the first clone. Then it runs the long tests here, and the demo on each
 * version of Node.js. If a folder is given as an argument, the clones stay there.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** A user without a name. */
const USER = 54321;
const JEST = [
  process.execPath,
  ...['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'],
  ...['--config', 'jest.release.config.js'],
];
const [kept] = process.argv.slice(2);
const work = kept === undefined ? mkdtempSync(join(tmpdir(), 'arctun-release-')) : resolve(kept);
const bundle = join(work, 'commit.bundle');
const isRoot = process.getuid() === 0;

/** The second release has another user, umask, folder, time zone and locale. */
const first = { folder: join(work, 'arctun'), umask: '022', env: {} };
const second = {
  folder: join(work, 'another/folder/of-arctun'),
  umask: '077',
  env: {
    TZ: 'Asia/Kathmandu',
    LANG: 'tr_TR.UTF-8',
    LC_ALL: 'tr_TR.UTF-8',
    HOME: join(work, 'home'),
  },
  ...(isRoot && { uid: USER, gid: USER }),
};

process.chdir(REPOSITORY);
process.once('SIGINT', () => end(1));
try {
  end(await test());
} catch (error) {
  console.error(error.message);
  end(1);
}

async function test() {
  for (const place of [work, second.env.HOME, dirname(second.folder)])
    mkdirSync(place, { recursive: true });
  step('two clones');
  execFileSync('git', ['bundle', 'create', '--quiet', bundle, 'HEAD'], { stdio: 'inherit' });
  chmodSync(work, 0o755);
  clone(first);
  await run(first, [
    'npm',
    'ci',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ]);
  clone(second);
  execFileSync('cp', ['-a', join(first.folder, 'node_modules'), second.folder]);
  if (isRoot)
    execFileSync('chown', ['-R', `${USER}:${USER}`, join(work, 'another'), second.env.HOME]);
  step('two releases');
  const release = ['npm', 'run', '--silent', 'release', '--', '--dry-run'];
  const builds = await Promise.allSettled([run(first, release), run(second, release)]);
  for (const { reason } of builds) if (reason !== undefined) throw reason;
  step('the tests of the release');
  const env = { ARCTUN_TEST_SECOND_RELEASE: join(second.folder, 'build/release') };
  const here = { folder: REPOSITORY, umask: '022', env: {} };
  const codes = [await run({ ...first, env }, [...JEST, 'test/release'], () => undefined)];
  step('the long tests');
  await run(here, ['npm', 'run', '--silent', 'build']);
  await run(here, ['npm', 'run', '--silent', 'build:executable']);
  const ignored = ['--testPathIgnorePatterns', '/node_modules/', '/test/release/'];
  codes.push(await run(here, [...JEST, ...ignored], () => undefined));
  step('the demo on each version of Node.js');
  codes.push(await run(here, ['npm', 'run', 'test:nodes', '--', '--demo'], () => undefined));
  return Math.max(...codes);
}

/** Clones the commit, and copies the downloads that this clone has. */
function clone({ folder, umask }) {
  const words = ['git', 'clone', '--quiet', bundle, folder];
  execFileSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...words], { stdio: 'inherit' });
  const [from, to] = [REPOSITORY, folder].map((each) => join(each, 'build/node'));
  mkdirSync(to, { recursive: true });
  const files = existsSync(from) ? readdirSync(from).filter((name) => name.endsWith('.tgz')) : [];
  for (const name of files) copyFileSync(join(from, name), join(to, name));
}

/**
 * Runs a command in a clone.
 *
 * @returns the exit code
 */
async function run({ folder, umask, env, uid, gid }, command, onFailure = fail) {
  const child = spawn('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command], {
    ...{ cwd: folder, uid, gid, stdio: ['ignore', 'inherit', 'inherit'] },
    env: { ...environment(), ...env },
  });
  const [exitCode] = await once(child, 'exit');
  if (exitCode !== 0) onFailure(command);
  return exitCode ?? 1;
}

function fail(command) {
  throw new Error(`"${command.join(' ')}" failed; its messages are above`);
}

/** Returns the environment without npm's settings for this user, except the registry. */
function environment() {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  return { ...Object.fromEntries(others), npm_config_registry: registry };
}

function step(text) {
  console.log(`=== ${text}`);
}

function end(code) {
  if (kept === undefined) rmSync(work, { recursive: true, force: true });
  process.exit(code);
}
