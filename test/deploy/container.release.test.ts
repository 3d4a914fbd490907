/** The container image, run by runc with the restrictions that the guides describe. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildImage, UnpackedImage } from '../support/container/image.js';
import { containerOf, podOf, resourcesOf, workloadOf } from '../support/container/kubernetes.js';
import { type ContainerOptions, RuncContainer } from '../support/container/runc-container.js';
import { ARCTUN, Processes, REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { until } from '../support/until.js';

const USER = 65532;
/** Docker kills a container this long after SIGTERM, in milliseconds; Kubernetes waits for 30 s. */
const GRACE = 10_000;
const PROBES = 'http://127.0.0.1:9100';
/** The emulator's default address. */
const EMULATOR = 'http://127.0.0.1:18080';
const { version: VERSION, license: LICENSE } = JSON.parse(
  readFileSync(`${REPOSITORY}package.json`, 'utf8'),
) as { readonly version: string; readonly license: string };

const NEEDS = [
  'root',
  'linux',
  'executable',
  'readelf',
  'arm64-libraries',
  'skopeo',
  'tar',
] as const;

describeWith(
  [...NEEDS, 'runc', 'ip', 'curl', 'kubectl', 'qemu-aarch64-static'],
  'the image',
  () => {
    const network = `anc${process.pid}`;
    const processes = new Processes();
    const containers: RuncContainer[] = [];
    let folder: string;
    let archive: string;
    let image: UnpackedImage;
    let emulator: TestProcess;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-image-'));
      chmodSync(folder, 0o755);
      archive = buildImage();
      image = new UnpackedImage(archive, 'amd64', folder);
      execFileSync('ip', ['netns', 'add', network]);
      execFileSync('ip', ['-n', network, 'link', 'set', 'lo', 'up']);
      emulator = processes.start(inside(process.execPath, ARCTUN, 'emulator', '--json'));
      await emulator.output(/^\{.*\}$/m);
      const words = ['bootstrap', 'authkey', '--config', join(folder, 'arc.json')];
      const env = {
        ARCTUN_ENDPOINT: EMULATOR,
        ARCTUN_AUTH_KEY_ID: 'keyId-emulator',
        ARCTUN_AUTH_KEY: 'secret-emulator',
      };
      const created = await processes.run(inside(process.execPath, ARCTUN, ...words), { env });
      expect(created).toMatchObject({ code: 0 });
      chmodSync(join(folder, 'arc.json'), 0o440);
      chownSync(join(folder, 'arc.json'), 0, USER);
    }, 900_000);
    afterAll(async () => {
      await Promise.all(containers.map((each) => each.close()));
      await processes.close();
      execFileSync('ip', ['netns', 'delete', network]);
      rmSync(folder, { recursive: true });
    });

    const inside = (...command: string[]) => ['ip', 'netns', 'exec', network, ...command];

    /** A volume as the kubelet makes it, with `fsGroup` and without an owner. */
    function volume(name: string): string {
      const path = join(folder, name);
      mkdirSync(path, { recursive: true });
      chownSync(path, 0, USER);
      chmodSync(path, 0o2777);
      return path;
    }

    function start(state: string, options: Partial<ContainerOptions> = {}): RuncContainer {
      const binds = [
        { from: join(folder, 'arc.json'), to: '/etc/arctun/arc.json', isReadOnly: true },
        { from: state, to: '/var/lib/arctun' },
      ];
      const env = { ARCTUN_STATUS_LISTEN: '127.0.0.1:9100' };
      const settings = { network, binds, env, ...options };
      const container = new RuncContainer(image, settings, { processes, folder });
      containers.push(container);
      return container;
    }

    /** Stops a container as Docker and Kubernetes do, and checks that they would not kill it. */
    async function stop(container: RuncContainer): Promise<void> {
      const began = performance.now();
      container.kill('TERM');
      expect(await container.process.finished).toMatchObject({ code: 0 });
      expect(performance.now() - began).toBeLessThan(GRACE);
    }

    /** Requests a URL in the namespace. @returns the status; 0 without a connection */
    function request(url: string, ...options: string[]): number {
      const words = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '20'];
      try {
        const [program = '', ...rest] = inside(...words, ...options, url);
        return Number(execFileSync(program, rest, { encoding: 'utf8', stdio: 'pipe' }));
      } catch {
        return 0;
      }
    }
    const isReady = () =>
      until(() => request(`${PROBES}/readyz`) === 200, { what: '/readyz is 200' });

    it('describes itself, its user and its health check', () => {
      const { architecture, os, config } = image.config;
      expect([architecture, os]).toEqual(['amd64', 'linux']);
      expect(config).toMatchObject({
        User: '65532:65532',
        Entrypoint: ['/usr/bin/arctun'],
        Cmd: ['up'],
        WorkingDir: '/var/lib/arctun',
        StopSignal: 'SIGTERM',
      });
      expect(Object.keys(config.Volumes)).toEqual(['/var/lib/arctun']);
      expect(config.Labels).toMatchObject({
        'org.opencontainers.image.title': 'arctun',
        'org.opencontainers.image.version': VERSION,
        'org.opencontainers.image.licenses': LICENSE,
      });
      // skopeo omits Docker's health check, so it is read from the file.
      const raw = execFileSync('skopeo', [
        ...['inspect', '--raw', '--config', '--override-arch', 'amd64', `oci-archive:${archive}`],
      ]).toString();
      expect((JSON.parse(raw) as typeof image.config).config.Healthcheck?.Test).toEqual([
        ...['CMD', '/usr/bin/arctun', 'health'],
      ]);
    });

    it('contains only the program, its libraries, their licenses, and files for user names', () => {
      const files = readdirSync(image.root, { recursive: true, withFileTypes: true })
        .filter((each) => !each.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name).slice(image.root.length));
      const [libraries, others] = [true, false].map((wanted) =>
        files.filter((path) => /^\/lib(64)?\//.test(path) === wanted).sort(),
      ) as [string[], string[]];
      expect(libraries).toContain('/lib/libc.so.6');
      expect(libraries).toContain('/lib/libstdc++.so.6');
      expect(libraries.length).toBeLessThanOrEqual(8);
      expect(others).toEqual([
        ...['/etc/group', '/etc/nsswitch.conf', '/etc/passwd', '/usr/bin/arctun'],
        ...['LICENSE', 'NOTICES.txt', 'sbom.json'].map((name) => `/usr/share/doc/arctun/${name}`),
        ...['libc6', 'libgcc-s1', 'libstdc++6'].map((name) => `/usr/share/doc/${name}/copyright`),
      ]);
      for (const path of files)
        expect(statSync(image.root + path)).toMatchObject({ uid: 0, gid: 0 });
      expect(statSync(`${image.root}/usr/bin/arctun`).mode & 0o7777).toBe(0o755);
      const { uid, gid, mode } = statSync(`${image.root}/var/lib/arctun`);
      expect([uid, gid, mode & 0o7777]).toEqual([USER, USER, 0o700]);
    });

    it('starts without privileges, sends a message, and stops at SIGTERM with code 0', async () => {
      const state = volume('state');
      const container = start(state);
      await isReady();
      const status = container.status();
      expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(readFileSync(`/proc/${container.pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro,/m);
      expect(request(`${PROBES}/livez`)).toBe(200);
      expect(container.exec(['/usr/bin/arctun', 'health'])).toBe(0);
      expect(request('http://127.0.0.1:8888/', '-d', '{"by":"runc"}')).toBe(201);
      await stop(container);
    }, 120_000);

    it('keeps its state on the volume, also after SIGKILL', async () => {
      const state = volume('kept');
      const traffic = () => {
        const [name = ''] = readdirSync(join(state, 'traffic'));
        return readFileSync(join(state, 'traffic', name), 'utf8');
      };
      const first = start(state);
      await isReady();
      first.kill('KILL');
      await first.process.finished;
      const [key = ''] = readdirSync(join(state, 'timestamps'));
      const before = readFileSync(join(state, 'timestamps', key));

      const second = start(state);
      await isReady();
      expect(second.exec(['/usr/bin/arctun', 'health'])).toBe(0);
      expect(readdirSync(join(state, 'timestamps'))).toEqual([key]);
      expect(readFileSync(join(state, 'timestamps', key)).equals(before)).toBe(false);
      await stop(second);
      const counted = traffic();

      const third = start(state);
      await isReady();
      await stop(third);
      expect(counted).not.toBe(traffic());
    }, 120_000);

    it('is not ready while the server is silent, and remains alive', async () => {
      const container = start(volume('silent'));
      await isReady();
      emulator.kill('SIGSTOP');
      request('http://127.0.0.1:8888/', '-d', '{}');
      await until(() => request(`${PROBES}/readyz`) === 503, {
        what: '/readyz is 503',
        limit: 60_000,
      });
      expect(request(`${PROBES}/livez`)).toBe(200);
      expect(container.exec(['/usr/bin/arctun', 'health'])).toBe(5);
      emulator.kill('SIGCONT');
      await isReady();
      await stop(container);
    }, 120_000);

    it('stops in time after SIGTERM while the server is silent', async () => {
      const container = start(volume('stopped-silent'));
      await isReady();
      emulator.kill('SIGSTOP');
      await stop(container).finally(() => emulator.kill('SIGCONT'));
    }, 120_000);

    it('stops in time after SIGTERM while a client keeps its connection open', async () => {
      const container = start(volume('stopped-open'));
      await isReady();
      const words = ['curl', '-v', '--proxytunnel', '--proxy', 'http://127.0.0.1:1080'];
      const target = 'telnet://uni.soracom.io:23080';
      const client = processes.start(inside(...words, target), { interactive: true });
      await client.output(/CONNECT tunnel established/, 'stderr');
      await stop(container);
      expect(container.process.stderr).toContain('for 1 open connection');
      client.kill();
      await client.finished;
    }, 120_000);

    it('runs as the sidecar of the Job in deploy/kubernetes, whose command then succeeds', async () => {
      const pod = podOf(workloadOf(resourcesOf('job')));
      const { env = [], startupProbe, livenessProbe } = containerOf(pod, 'arctun');
      const settings = Object.fromEntries(env.map(({ name, value }) => [name, value!]));
      const container = start(volume('sidecar'), { env: settings });
      await until(() => request(`${PROBES}${startupProbe!.httpGet!.path}`) === 200, {
        what: 'the startup probe succeeds',
      });
      expect(request(`${PROBES}${livenessProbe!.httpGet!.path}`)).toBe(200);
      const sent = await processes.run(inside(...containerOf(pod, 'app').command!));
      expect(sent).toMatchObject({ code: 0 });
      const text = await processes.run(inside('curl', '-sS', `${EMULATOR}/emulator/messages`));
      expect(text.stdout).toContain('temperature');
      await stop(container);
    }, 120_000);

    it('runs on arm64 with the libraries in the image only', () => {
      const place = join(folder, 'arm64');
      mkdirSync(place);
      const foreign = new UnpackedImage(archive, 'arm64', place);
      expect(foreign.config.architecture).toBe('arm64');
      const qemu = execFileSync('sh', ['-c', 'command -v qemu-aarch64-static'], {
        encoding: 'utf8',
      });
      copyFileSync(qemu.trim(), join(foreign.root, 'qemu'));
      const words = [foreign.root, '/qemu', '/usr/bin/arctun', 'version'];
      const text = execFileSync('chroot', words, { encoding: 'utf8' });
      expect(JSON.parse(text)).toMatchObject({ version: VERSION });
    }, 120_000);
  },
);
