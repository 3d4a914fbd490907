/** With a scripted krypton-cli, run as the system runs programs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bootstrapSim } from '../../../src/app/bootstrap/bootstrap-sim.js';
import type { KryptonCliOptions } from '../../../src/soracom/krypton/krypton-cli.js';
import type { KryptonResult } from '../../../src/app/bootstrap/krypton-target.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { systemCommands } from '../../../src/system/process/command-runner.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { MemoryJournals } from '../../arc-config/memory-journals.js';
import { PRIVATE_KEY, SAMPLE, SERVER_KEY } from '../../arc-config/sample.js';
import { until } from '../../support/until.js';

const TARGET = '/home/arc.json';
const SESSION = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'beck.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21'],
  arcClientPeerIpAddress: '10.9.8.7',
};
const ANSWER = JSON.stringify({ ...SESSION, arcClientPeerPrivateKey: PRIVATE_KEY });
const ARGUMENTS =
  '-operation bootstrapArc -signature-algorithm SHA-256 -interface autoDetect -baud-rate 57600 -data-bits 8 -stop-bits 1 -parity-mode 0';
const crypto = createNodeCrypto();

let folder: string;
let program: string;
let files: MemoryFiles;
let notes: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-krypton-'));
  program = join(folder, 'krypton-cli');
  files = new MemoryFiles();
  notes = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a program that records its arguments and then runs `script`. */
function fakeKryptonCli(script: string): void {
  const text = `#!/bin/sh\necho run >> '${folder}/runs'\nprintf '%s\\n' "$@" > '${folder}/arguments'\n`;
  writeFileSync(program, `${text}${script}\n`, { mode: 0o755 });
}

const prints = (text: string) => `cat <<'END'\n${text}\nEND`;

function runs(): number {
  try {
    return readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length;
  } catch {
    return 0;
  }
}

interface Changes {
  readonly platform?: string;
  readonly dumpConfig?: boolean;
  readonly cli?: Partial<KryptonCliOptions>;
}

function bootstrap(changes: Changes = {}, signal?: AbortSignal): Promise<KryptonResult> {
  const { platform = 'linux', dumpConfig = false, cli = {} } = changes;
  const kryptonCli = {
    path: program,
    'provisioning-api-endpoint-url': '',
    params: '',
    'keys-api-endpoint-url': '',
    'signature-algorithm': 'SHA-256',
    interface: 'autoDetect',
    'port-name': '',
    'baud-rate': 57600,
    'data-bits': 8,
    'stop-bits': 1,
    'parity-mode': 0,
    'disable-key-cache': false,
    'clear-key-cache': false,
    debug: false,
    ...cli,
  };
  return bootstrapSim(
    { path: 'arc.json', rescueFolder: '/state', platform, dumpConfig, kryptonCli },
    {
      files,
      commands: systemCommands,
      journals: new MemoryJournals(),
      publicKeyOf: (key) => crypto.publicKey(key),
      note: (line) => void notes.push(line),
    },
    signal,
  );
}

async function failure(changes: Changes = {}): Promise<UserError> {
  const error = await bootstrap(changes).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

it('runs krypton-cli as soratun does, and writes a file without an ID', async () => {
  fakeKryptonCli(prints(ANSWER));
  expect(await bootstrap()).toEqual({ simId: '', path: TARGET, created: true });
  const passed = readFileSync(join(folder, 'arguments'), 'utf8').trimEnd();
  expect(passed.split('\n').join(' ')).toBe(ARGUMENTS);
  expect(JSON.parse(files.texts.get(TARGET)!)).toMatchObject({
    privateKey: PRIVATE_KEY,
    simId: '',
    mtu: 1420,
    arcSessionStatus: SESSION,
  });
  expect(notes).toEqual([]);
});

it('keeps the ID and the rest of a file', async () => {
  fakeKryptonCli(prints(ANSWER));
  files.texts.set(TARGET, SAMPLE);
  expect(await bootstrap()).toMatchObject({ simId: '8942310022000012345', created: false });
  const { privateKey, publicKey, arcSessionStatus, ...rest } = JSON.parse(
    files.texts.get(TARGET)!,
  ) as Record<string, unknown>;
  expect({ privateKey, arcSessionStatus }).toEqual({
    privateKey: PRIVATE_KEY,
    arcSessionStatus: SESSION,
  });
  const derived = crypto.publicKey(Buffer.from(PRIVATE_KEY, 'base64'));
  expect(publicKey).toBe(Buffer.from(derived).toString('base64'));
  expect(JSON.parse(SAMPLE)).toMatchObject(rest);
});

it('shows its call and the answer in verbose mode, without the key', async () => {
  fakeKryptonCli(prints(ANSWER));
  await bootstrap({ cli: { debug: true } });
  expect(notes).toEqual([
    `Running ${program} [${ARGUMENTS} -debug]`,
    `Got response from ${program}: ${JSON.stringify(SESSION)}`,
  ]);
});

it.each<[string, string, object, RegExp]>([
  ['fails', `echo ${PRIVATE_KEY}; echo no reader >&2; exit 1`, { kind: 'failed' }, /no reader/],
  ['prints garbage', `echo garbage ${PRIVATE_KEY}`, { kind: 'api' }, /is not a JSON object/],
  ['prints nothing', 'true', { kind: 'api' }, /is not a JSON object/],
  [
    'prints part of an answer',
    prints(JSON.stringify({ arcClientPeerPrivateKey: PRIVATE_KEY })),
    { kind: 'api' },
    /does not contain a valid arcServerPeerPublicKey/,
  ],
  [
    'treats HTTP 400, without a key, as success',
    prints('{"code":"KRY0001","message":"no such SIM"}'),
    { kind: 'api' },
    /returned an error: KRY0001: no such SIM/,
  ],
])('changes no file if krypton-cli %s, and shows no key', async (_, script, kind, why) => {
  fakeKryptonCli(script);
  files.texts.set(TARGET, SAMPLE);
  const error = await failure();
  expect(error).toMatchObject(kind);
  expect(error.why).toMatch(why);
  expect(`${error.why}${error.next.join()}`).not.toContain(PRIVATE_KEY);
  expect(files.texts).toEqual(new Map([[TARGET, SAMPLE]]));
  expect(notes).toEqual([]);
  expect(runs()).toBe(1);
});

it('waits for a running krypton-cli when it is stopped', async () => {
  fakeKryptonCli(`until [ -e '${folder}/go' ]; do sleep 0.05; done\n${prints(ANSWER)}`);
  const controller = new AbortController();
  const outcome = bootstrap({}, controller.signal);
  await until(() => runs() > 0);
  controller.abort(new Error('stopped'));
  writeFileSync(`${folder}/go`, '');
  expect(await outcome).toMatchObject({ path: TARGET });
  expect(files.texts.get(TARGET)).toContain(PRIVATE_KEY);
}, 60_000);
