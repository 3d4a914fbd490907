/** `doctor --nat` in a home network whose router forgets mappings; the emulator pings the SIM. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Doctor } from '../support/doctor.js';
import {
  API_ADDRESS,
  API_PORT,
  ARC_PORT,
  HOME_NETWORK,
  HomeNetwork,
  SERVER_ADDRESS,
} from '../support/foreign/home-network.js';
import { ARCTUN, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const FREE_PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];

describeWith(HOME_NETWORK, 'doctor --nat behind a router', () => {
  const processes = new Processes();
  let folder: string;
  let network: HomeNetwork;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-nat-'));
    // Mappings are kept for 9 s.
    network = new HomeNetwork(9);
    const arc = ['--arc-listen', `${SERVER_ADDRESS}:${ARC_PORT}`];
    const listen = ['--api-listen', `${SERVER_ADDRESS}:${API_PORT}`, ...arc, '--json'];
    const command = [...network.beyond, process.execPath, ARCTUN, 'emulator', ...listen];
    await processes.start(command).output(/"api"/);
  }, 60_000);
  afterAll(async () => {
    await processes.close();
    network.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds that the router keeps the mapping for the keepalive interval of arc.json', async () => {
    const env = {
      ARCTUN_ENDPOINT: `http://${API_ADDRESS}`,
      ARCTUN_AUTH_KEY_ID: 'keyId-emulator',
      ARCTUN_AUTH_KEY: 'secret-emulator',
      ARCTUN_MODE: 'userspace',
      STATE_DIRECTORY: folder,
      RUNTIME_DIRECTORY: join(folder, 'run'),
    };
    const place = { prefix: network.inHome, cwd: folder, env };
    const bootstrap = [...network.inHome, process.execPath, ARCTUN, 'bootstrap', 'authkey'];
    expect(await processes.run(bootstrap, place)).toMatchObject({ code: 0 });
    const path = join(folder, 'arc.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...config, persistentKeepalive: 5 }));
    const { code, checks } = await new Doctor(processes, () => place).examine([
      ...FREE_PORTS,
      '--nat',
    ]);
    expect(checks.find(({ name }) => name === 'nat')).toMatchObject({
      outcome: 'ok',
      text: 'SORACOM reached this SIM after 5 s of silence.',
    });
    expect(code).toBe(0);
  }, 60_000);
});
