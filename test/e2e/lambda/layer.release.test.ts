/** The published layers and executables, built once for all tests here, and started. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { unzipSync } from 'fflate';

import { pythonFunction } from '../../support/lambda/main.js';
import { answerOf, LambdaLab } from '../../support/foreign/lambda-lab.js';
import { ARCTUN, Processes, REPOSITORY } from '../../support/processes.js';
import { describeWith, LAMBDA_SANDBOX } from '../../support/runner/requirements.js';
import { atLength, isLong } from '../../support/runner/tier.js';

const EXECUTABLE = join(REPOSITORY, 'build/executable');
const LAYERS = join(REPOSITORY, 'build/layers');
/** Bytes: the limits of tools/bundle/layer-limits.js. */
const MOST = { x86_64: 45_000_000, arm64: 45_000_000, nodejs: 2_000_000 };
/**
 * This machine's architecture: in short runs, the layer and executable for the other one are not
 * built.
 */
const HOST = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const KINDS = atLength({
  short: [HOST, 'nodejs'] as const,
  long: ['x86_64', 'arm64', 'nodejs'] as const,
});
/** Nothing is requested from the registry that npm already has. */
const OFFLINE = { npm_config_prefer_offline: 'true' };

const processes = new Processes();
const lab = new LambdaLab();
const folder = mkdtempSync(join(tmpdir(), 'arctun-test-'));

// npm needs the machine's network, which this process leaves before its first hook.
buildLayers();

afterAll(async () => {
  await lab.close();
  await processes.close();
});
beforeAll(() => lab.start());
afterAll(() => rmSync(folder, { recursive: true }));

/** Copies dist/executable, which other tests use, too. */
function buildLayers(): void {
  const build = [join(REPOSITORY, 'tools/bundle/build-layers.js'), ...(isLong ? [] : [HOST])];
  const env = { ...process.env, ...OFFLINE };
  execFileSync(process.execPath, build, { cwd: REPOSITORY, stdio: 'pipe', env });
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const inputsOf = (program: string) =>
  JSON.parse(
    readFileSync(join(REPOSITORY, `build/node/${program}.inputs.json`), 'utf8'),
  ) as string[];

describe('the bundles', () => {
  it('of the thin layer contains neither oclif nor axios', () => {
    const inputs = inputsOf('extension');
    expect(inputs).toContain('src/lambda/main.ts');
    const unwanted = /node_modules\/(@oclif|axios|typescript|inquirer|openapi-backend|esbuild)\//;
    expect(inputs.filter((path) => unwanted.test(path))).toEqual([]);
  });

  it('of the executable have the extension and each command', () => {
    const inputs = inputsOf('executable');
    const commands = readdirSync(join(REPOSITORY, 'commands'), { recursive: true })
      .map((name) => `commands/${String(name)}`)
      .filter((name) => name.endsWith('.ts'));
    expect(commands.length).toBeGreaterThan(15);
    expect(inputs).toEqual(expect.arrayContaining(['src/lambda/main.ts', ...commands]));
  });

  it('contain native code of packages only in the executable, as assets', () => {
    const ofPackages = /node_modules\/(koffi|@koromix)/;
    const [executable, extension] = ['executable', 'extension'].map(inputsOf);
    expect(executable).toEqual(
      expect.arrayContaining(['addon:koffi.node', 'addon:sodium-native.node']),
    );
    expect([...executable!, ...extension!].filter((path) => ofPackages.test(path))).toEqual([]);
    // undici is not native, and only programs with the library load it.
    const native = /^(addon|absent):(?!undici$)|sodium-native/;
    expect(extension!.filter((path) => native.test(path))).toEqual([]);
  });

  it('list each library in the bill of materials, with its license', () => {
    for (const program of ['executable', 'extension']) {
      const found = inputsOf(program).flatMap(
        (path) =>
          /^.*node_modules\/((@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ??
          (path === 'addon:koffi.node' ? ['koffi'] : []),
      );
      const read = (name: string) =>
        readFileSync(join(REPOSITORY, 'dist/executable', `${program}.${name}`), 'utf8');
      const bill = JSON.parse(read('sbom.json')) as {
        components: { name: string; version: string; hashes: unknown[]; licenses: unknown[] }[];
      };
      expect(new Set(bill.components.map(({ name }) => name))).toEqual(new Set(found));
      for (const { name, version, hashes, licenses } of bill.components) {
        expect([hashes.length, licenses.length]).toEqual([1, 1]);
        expect(read('notices.txt')).toContain(`==== ${name} ${version} ====`);
      }
      expect(JSON.stringify(bill)).not.toMatch(/timestamp|serialNumber/);
    }
  });
});

describe('the layers', () => {
  it.each(KINDS)('are small enough: %s', (kind) => {
    expect(statSync(join(LAYERS, `arctun-lambda-${kind}.zip`)).size).toBeLessThanOrEqual(
      MOST[kind],
    );
  });

  const thin = ['nodejs', ['--thin']] as const;
  // The executable is assembled, and the whole zip compressed, a second time.
  const whole = [HOST, ['--arch', HOST]] as const;
  it.each(atLength({ short: [thin], long: [thin, whole] }))(
    'have the same bytes when `lambda layer` builds them: %s',
    async (kind, flags) => {
      const file = join(folder, `${kind}.zip`);
      const command = [process.execPath, ARCTUN, 'lambda', 'layer', ...flags];
      const options = { env: OFFLINE, cwd: folder };
      const { finished } = processes.start([...command, '--output', file, '--json'], options);
      const { code, stdout, stderr } = await finished;
      expect([code, stderr.includes('Error')]).toEqual([0, false]);
      const expected = sha256(join(LAYERS, `arctun-lambda-${kind}.zip`));
      expect(sha256(file)).toBe(expected);
      expect(JSON.parse(stdout)).toEqual({
        file,
        architectures: kind === 'nodejs' ? ['x86_64', 'arm64'] : [kind],
        bytes: statSync(file).size,
        sha256: expected,
      });
    },
    120_000,
  );
});

describeWith(['unzip'], 'a layer unzipped into /opt', () => {
  const files = (kind: string) =>
    execFileSync('unzip', ['-Z', join(LAYERS, `arctun-lambda-${kind}.zip`)], { encoding: 'utf8' })
      .split('\n')
      .flatMap((line) => /^(-[rwx-]{9}) .* (\S+)$/.exec(line)?.slice(1).join(' ') ?? []);

  it('have executables with the execute permission, and documents', () => {
    const documents = ['LICENSE', 'NOTICES.txt', 'sbom.json'].map(
      (name) => `-rw-r--r-- share/doc/arctun/${name}`,
    );
    const launched = ['-rwxr-xr-x extensions/arctun', '-rwxr-xr-x bin/arctun', ...documents];
    const thin = launched.filter((line) => !line.endsWith('bin/arctun'));
    for (const kind of KINDS) expect(files(kind)).toEqual(kind === 'nodejs' ? thin : launched);
  });
});

describeWith(['readelf'], 'an executable', () => {
  it.each(isLong ? ['x64', 'arm64'] : [process.arch])(
    'starts with glibc 2.28, without libatomic: %s',
    (name) => {
      const path = join(EXECUTABLE, `arctun-linux-${name}`);
      const read = (flag: string) =>
        execFileSync('readelf', [flag, '-W', path], { encoding: 'utf8' });
      const versions = [...read('-V').matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) =>
        Number(minor),
      );
      expect(versions.length).toBeGreaterThan(0);
      expect(Math.max(...versions)).toBeLessThanOrEqual(28);
      const needed = [...read('-d').matchAll(/\(NEEDED\).*\[(.*?)\.so/g)].map(
        ([, library]) => library,
      );
      const allowed = [
        'libdl',
        'libstdc++',
        'libm',
        'libgcc_s',
        'libpthread',
        'libc',
        'ld-linux-x86-64',
        'ld-linux-aarch64',
      ];
      expect(needed.filter((library) => !allowed.includes(library!))).toEqual([]);
      // Nothing in it that other ELF readers would complain about.
      const complaints = execFileSync('sh', ['-c', `readelf -lSnW "${path}" 2>&1 >/dev/null`]);
      expect(complaints.toString()).toBe('');
    },
  );
});

describeWith(['linux'], 'the executable of this machine', () => {
  const path = join(EXECUTABLE, `arctun-linux-${process.arch}`);

  it('starts whatever NODE_OPTIONS the function sets', async () => {
    const env = { NODE_OPTIONS: '--require /nonexistent', NODE_PATH: '/nonexistent' };
    const { code, stdout, stderr } = await processes.start([path, 'version'], { env }).finished;
    // Also without a warning that its code was compiled by another Node.
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ version: expect.any(String) as string });
  });

  it('works as bin/arctun of the layer', async () => {
    const layer = unzipSync(readFileSync(join(LAYERS, `arctun-lambda-${HOST}.zip`)), {
      filter: ({ name }) => name === 'bin/arctun',
    });
    mkdirSync(join(folder, 'opt/bin'), { recursive: true });
    mkdirSync(join(folder, 'opt/extensions'));
    const command = join(folder, 'opt/bin/arctun');
    writeFileSync(command, layer['bin/arctun']!, { mode: 0o755 });
    copyFileSync(path, join(folder, 'opt/extensions/arctun'));
    const { code, stderr } = await processes.start([command, 'version']).finished;
    expect([code, stderr]).toEqual([0, '']);
    // Run from a function, which has Lambda's variables, it does not act as a second extension.
    const env = { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9' };
    const alone = await processes.start([command], { env }).finished;
    expect([alone.code, alone.stderr]).toEqual([0, '']);
    expect(alone.stdout).toContain('USAGE');
  });
});

describeWith([...LAMBDA_SANDBOX, 'python3'], 'the executable next to a function', () => {
  const path = join(EXECUTABLE, `arctun-linux-${process.arch}`);

  it('is an extension, whatever NODE_OPTIONS the function sets', async () => {
    const sandbox = await lab.sandbox({
      ...pythonFunction(),
      extensions: [{ name: 'arctun', file: path }],
      env: { NODE_OPTIONS: '--require /nonexistent', NODE_PATH: '/nonexistent' },
    });
    const { response, error } = await sandbox.invoke({ poisoned: 1 });
    expect(error).toBeUndefined();
    expect(answerOf(response).statusCode).toBe(201);
    expect(await lab.messages()).toContainEqual({ poisoned: 1 });
    await sandbox.shutdown();
    expect(sandbox.output('arctun')).not.toMatch(/warning/i);
  });
});

const describeArm64: typeof describeWith = isLong ? describeWith : () => undefined;
describeArm64(
  [...LAMBDA_SANDBOX, 'qemu-aarch64-static', 'arm64-libraries'],
  'the executable for arm64',
  () => {
    const path = join(EXECUTABLE, 'arctun-linux-arm64');
    const emulator = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];

    it('carries the message of a function', async () => {
      const extension = join(folder, 'arm64');
      const command = [...emulator, '-0', '/opt/extensions/arctun', path].join(' ');
      writeFileSync(extension, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
      const sandbox = await lab.sandbox({ extensions: [{ name: 'arctun', file: extension }] });
      const { response, error } = await sandbox.invoke({ arm64: 1 });
      expect(error).toBeUndefined();
      expect(answerOf(response).statusCode).toBe(201);
      expect(await lab.messages()).toContainEqual({ arm64: 1 });
    }, 60_000);

    it('prints its version', async () => {
      const { code, stdout, stderr } = await processes.start([...emulator, path, '--version'])
        .finished;
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^arctun\/\d+\.\d+\.\d+ linux-arm64 node-v24\.21\.0\n$/);
    }, 60_000);
  },
);
