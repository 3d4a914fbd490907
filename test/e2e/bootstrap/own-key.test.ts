/**
 * `--own-key`: the private key stays on this machine, and the one that createSim returned becomes
 * invalid.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, type Finished, Processes } from '../../support/processes.js';
import { type Recorder, startRecorder } from '../../support/fakes/recording-proxy.js';
import { findSecrets } from '../../support/secret-search.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let recorder: Recorder;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
  recorder = await startRecorder(emulator.api);
  folder = mkdtempSync(join(tmpdir(), 'arctun-own-key-'));
  const { code, stderr } = await run(['bootstrap', 'authkey', '--own-key']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, 60_000);
afterAll(async () => {
  await recorder.close();
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(parameters: readonly string[]): Promise<Finished> {
  return processes.run([process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: {
      ...emulator.env,
      ARCTUN_ENDPOINT: recorder.url,
      STATE_DIRECTORY: join(folder, 'state'),
    },
  });
}

function arcJson(): { simId: string; privateKey: string; publicKey: string } {
  return JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as ReturnType<typeof arcJson>;
}

/** The keys in createSim's answer. */
function keyOfCreateSim(member: 'arcClientPeerPrivateKey' | 'arcClientPeerPublicKey'): string {
  const [, key] = new RegExp(`"${member}" *: *"([^"]+)"`).exec(recorder.traffic()) ?? [];
  return key!;
}

it('sends the public key, and never the private key in any form', () => {
  const traffic = recorder.traffic();
  const { privateKey, publicKey } = arcJson();
  expect(findSecrets(traffic, { privateKey })).toEqual([]);
  expect(traffic).toContain(publicKey);
  // The search finds the public key.
  const other = keyOfCreateSim('arcClientPeerPrivateKey');
  expect(other).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  expect(other).not.toBe(privateKey);
  expect(findSecrets(traffic, { other })).not.toEqual([]);
});

it('opens the tunnel with its key', async () => {
  expect(await run(['send', 'hello'])).toMatchObject({ code: 0 });
  const { simId, publicKey } = arcJson();
  const sim = (await emulator.sims()).find((one) => one.simId === simId);
  expect(sim).toMatchObject({ publicKey });
}, 60_000);

it('exits with 5 with the key that createSim returned', async () => {
  const old = {
    ...arcJson(),
    privateKey: keyOfCreateSim('arcClientPeerPrivateKey'),
    publicKey: keyOfCreateSim('arcClientPeerPublicKey'),
  };
  writeFileSync(join(folder, 'old.json'), JSON.stringify(old), { mode: 0o600 });
  const { code, stdout, stderr } = await run(['send', 'x', '--wait', '3', '--config', 'old.json']);
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(/handshake/i);
}, 60_000);
