/** The npm package, installed in a root that contains only Node, npm, env and their libraries. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { EmptyRoot, WRITABLE } from '../support/release/empty-root.js';
import { files } from '../support/release/files.js';
import { doMainJob, type Start } from '../support/release/main-job.js';
import { Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const NODE = '/usr/bin/node';
const NPM = '/usr/lib/node_modules/npm';
const PREFIX = `${WRITABLE}/prefix`;
const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

describeWith(['linux', 'root', 'release'], 'the npm package in an empty root', () => {
  const processes = new Processes();
  let root: EmptyRoot;

  beforeAll(() => {
    root = new EmptyRoot(mkdtempSync(join(tmpdir(), 'arctun-root-')), processes);
    root.addProgram(process.execPath, NODE);
    root.addProgram('/usr/bin/env');
    root.addFolder(npmFolder(), NPM);
    root.add(files.npmPackage, '/arctun.tgz');
  });
  afterAll(async () => {
    await processes.close();
    rmSync(root.path, { recursive: true });
  });

  const start: Start = (words, env) => root.start([`${PREFIX}/bin/arctun`, ...words], env);

  it('is installed without a network, and does its main job without native code', async () => {
    const npm = [NODE, `${NPM}/bin/npm-cli.js`, 'install', '--global', `--prefix=${PREFIX}`];
    const options = ['--offline', '--omit=optional', ...QUIET];
    const installed = await root.start([...npm, ...options, '/arctun.tgz']).finished;
    expect(installed).toMatchObject({ code: 0, stderr: '' });
    expect(await loadsNativeCode()).toBe(false);
    await doMainJob(start, `${WRITABLE}/first.json`);
  });

  it('does its main job with native code, without install scripts', async () => {
    // Outside of the root, because npm needs the network for the two packages with native code.
    const place = join(root.path, PREFIX);
    rmSync(place, { recursive: true, force: true });
    const npm = ['install', '--global', `--prefix=${place}`, '--ignore-scripts', ...QUIET];
    execFileSync('npm', [...npm, '--prefer-offline', files.npmPackage], { stdio: 'pipe' });
    expect(await loadsNativeCode()).toBe(true);
    await doMainJob(start, `${WRITABLE}/second.json`);
  });

  async function loadsNativeCode(): Promise<boolean> {
    const script = `
      const from = require('node:module').createRequire('${PREFIX}/lib/node_modules/arctun/bin/run.js');
      for (const name of ['koffi', 'sodium-native']) from(name);`;
    const { code } = await root.start([NODE, '--eval', script]).finished;
    return code === 0;
  }
});

/** The npm that comes with this Node. */
function npmFolder(): string {
  const root = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  return join(root, 'npm');
}
