/** The container image for both architectures, unpacked by skopeo and started by runc. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UnpackedImage } from '../support/container/image.js';
import { RuncContainer } from '../support/container/runc-container.js';
import { ARCTUN, Processes } from '../support/processes.js';
import {
  AMD64,
  type Architecture,
  ARM64,
  commandPath,
  files,
  VERSION_LINE,
} from '../support/release/files.js';
import { describeWith } from '../support/runner/requirements.js';

const USER = 65532;
/** The emulator's default address. */
const EMULATOR = 'http://127.0.0.1:18080';

describeWith(
  ['linux', 'root', 'release', 'skopeo', 'tar', 'runc', 'ip', 'curl', 'qemu-aarch64-static'],
  'the container image',
  () => {
    const network = `anr${process.pid}`;
    const processes = new Processes();
    const containers: RuncContainer[] = [];
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-image-'));
      chmodSync(folder, 0o755);
      execFileSync('ip', ['netns', 'add', network]);
      execFileSync('ip', ['-n', network, 'link', 'set', 'lo', 'up']);
      const emulator = processes.start(inside(process.execPath, ARCTUN, 'emulator', '--json'));
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
    });
    afterAll(async () => {
      await Promise.all(containers.map((each) => each.close()));
      await processes.close();
      execFileSync('ip', ['netns', 'delete', network]);
      rmSync(folder, { recursive: true });
    });

    const inside = (...command: string[]) => ['ip', 'netns', 'exec', network, ...command];

    it.each([AMD64, ARM64])('prints its version, and carries a message: $debian', async (each) => {
      const start = starter(each);
      const version = await start('version').process.finished;
      expect(version).toEqual({ code: 0, stdout: VERSION_LINE, stderr: '' });

      const container = start();
      await container.process.output(/ is up; /, 'stdout', 120_000);
      const curl = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}'];
      const message = JSON.stringify({ by: each.debian });
      const post = inside(...curl, '-d', message, 'http://127.0.0.1:8888/');
      const { stdout } = await processes.run(post);
      expect(stdout).toBe('201');
      const messages = await processes.run(inside('curl', '-sS', `${EMULATOR}/emulator/messages`));
      expect(messages.stdout).toContain(JSON.stringify(message));
      container.kill('TERM');
      expect(await container.process.finished).toMatchObject({ code: 0 });
    });

    /** Unpacks the image for an architecture. @returns a function that starts a container */
    function starter({ debian }: Architecture): (...words: string[]) => RuncContainer {
      const place = join(folder, debian);
      const state = join(place, 'state');
      mkdirSync(state, { recursive: true });
      chownSync(state, USER, USER);
      const image = new UnpackedImage(files.image, debian, place);
      const isForeign = debian === 'arm64';
      if (isForeign) copyFileSync(commandPath('qemu-aarch64-static'), join(image.root, 'qemu'));
      const binds = [
        { from: join(folder, 'arc.json'), to: '/etc/arctun/arc.json', isReadOnly: true },
        { from: state, to: '/var/lib/arctun' },
      ];
      const options = { network, binds, ...(isForeign && { interpreter: '/qemu' }) };
      return (...words) => {
        const chosen = words.length === 0 ? options : { ...options, words };
        const container = new RuncContainer(image, chosen, { processes, folder });
        containers.push(container);
        return container;
      };
    }
  },
);
