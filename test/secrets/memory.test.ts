/** Checks that keys are in memory while they are in use (the control), and not afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenSslCrypto } from '../../src/crypto/openssl.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { isLong } from '../support/runner/tier.js';
import { findInMemory, type Secret } from './process-memory.js';

const sodium = await createSodiumCrypto();
const openSsl = sodium && createOpenSslCrypto(sodium, await loadLibc());

const PEER = `${REPOSITORY}test/secrets/memory-peer.js`;
const KEY_LENGTH = 32;
const TIMEOUT = 120_000;

/** Processors without AVX-512, and without AVX2, for which OpenSSL has other code. */
const CODE_PATHS: readonly NodeJS.ProcessEnv[] =
  process.arch === 'x64'
    ? [{}, { OPENSSL_ia32cap: ':~0xd0230020' }, { OPENSSL_ia32cap: ':~0xd0230000' }]
    : [{}];

/**
 * Copies left by arctun's own code would be left in every run. OpenSSL's private key decoder
 * returns its copy to the allocator, and in one of four processes a part of one remains
 * (SECURITY.md). Each private key must therefore be gone in two processes with different keys. For
 * all other secrets one is enough.
 */
const BACKENDS: readonly Backend[] = [
  { backend: 'node', clean: 2, attempts: 6 },
  ...(sodium === undefined ? [] : [{ backend: 'sodium-native', clean: 1, attempts: 1 }]),
  // libsodium for handshakes, and OpenSSL for packets.
  ...(openSsl === undefined
    ? []
    : CODE_PATHS.map((env) => ({ backend: 'openssl', clean: 1, attempts: 1, env }))),
];
/** A search takes seconds: a short run covers only the backend that a tunnel uses here. */
const SEARCHED = isLong ? BACKENDS : BACKENDS.slice(-1);

const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'arctun-secrets-'));
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

interface Backend {
  readonly backend: string;
  readonly clean: number;
  readonly attempts: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** The names of the secrets that are in memory at each phase. */
type Found = Readonly<Record<string, readonly string[]>>;

const STATICS = ['the first private key', 'the pre-shared key', 'the second private key'];

/** The devices are not used, so that nothing overwrites what the garbage collector has left. */
const IDLE_DEVICES: Found = {
  made: ['a shared secret', ...STATICS],
  closed: [],
  'closed and collected': [],
};

const DEVICES: Found = {
  made: ['a shared secret', ...STATICS],
  begun: ['a key of the handshake', 'a shared secret', 'an ephemeral key', ...STATICS],
  open: ['a shared secret', 'a transport key', ...STATICS],
  'sessions discarded': ['a shared secret', ...STATICS],
  'private key replaced': [
    'a shared secret',
    'another private key',
    'the pre-shared key',
    'the second private key',
  ],
  closed: [],
  'closed and collected': [],
};

const TUNNEL: Found = {
  open: ['a shared secret', 'a transport key', 'the first private key', 'the second private key'],
  closed: [],
  'closed and collected': [],
};

/** OpenSSL keeps them until their objects are collected. */
const KEPT_BY_OPENSSL = {
  'idle devices': ['the first private key', 'the second private key'],
  devices: ['another private key', 'the second private key'],
  tunnel: ['the first private key', 'the second private key'],
};

const DEVICES_AND_TUNNEL = [
  ['two devices', 'devices', DEVICES],
  ['a tunnel', 'tunnel', TUNNEL],
] as const;
const SCENARIOS = isLong
  ? ([...DEVICES_AND_TUNNEL, ['two idle devices', 'idle devices', IDLE_DEVICES]] as const)
  : DEVICES_AND_TUNNEL;

describeWith(['linux'], 'the memory of a process', () => {
  describe.each(SEARCHED)(
    'on $backend $env.OPENSSL_ia32cap',
    ({ backend, clean, attempts, env }) => {
      it.each(SCENARIOS)(
        'contains the keys of %s while they are needed, but not afterwards',
        async (_name, scenario, always) => {
          const expected =
            backend === 'node' ? { ...always, closed: KEPT_BY_OPENSSL[scenario] } : always;
          const leftovers = new Map<string, number>();
          for (let attempt = 1; attempt <= attempts; attempt++) {
            const found = await findInPhases(backend, scenario, Object.keys(expected), env);
            const left = leftPrivateKeys(found, expected);
            if (backend !== 'node') expect(left).toEqual([]);
            expect(found).toEqual(withKeys(expected, left));
            for (const key of left) leftovers.set(key.join(': '), timesOf(leftovers, key) + 1);
            if (attempt - Math.max(0, ...leftovers.values()) >= clean) return;
          }
          expect(leftovers).toEqual(new Map());
        },
        TIMEOUT * attempts,
      );
    },
  );
});

type PhaseAndKey = readonly [phase: string, key: string];

/**
 * The private keys, including ephemeral ones, that are in memory in a phase that does not need
 * them.
 */
function leftPrivateKeys(found: Found, expected: Found): PhaseAndKey[] {
  return Object.entries(found).flatMap(([phase, names]) =>
    names
      .filter((name) => /private key$|^an ephemeral key$/.test(name))
      .filter((name) => !expected[phase]!.includes(name))
      .map((name) => [phase, name] as const),
  );
}

function withKeys(expected: Found, left: readonly PhaseAndKey[]): Found {
  return Object.fromEntries(
    Object.entries(expected).map(([phase, names]) => [
      phase,
      [...names, ...left.filter(([at]) => at === phase).map(([, key]) => key)].sort(),
    ]),
  );
}

function timesOf(leftovers: ReadonlyMap<string, number>, key: PhaseAndKey): number {
  return leftovers.get(key.join(': ')) ?? 0;
}

/** Runs the peer and searches its memory at each phase. */
async function findInPhases(
  backend: string,
  scenario: string,
  phases: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Found> {
  const file = join(folder, 'secrets');
  const command = [process.execPath, '--expose-gc', PEER, backend, scenario, file];
  const peer = processes.start(command, { interactive: true, env });
  const found: Record<string, string[]> = {};
  for (const phase of phases) {
    await peer.output(new RegExp(`^${phase}$`, 'm'), 'stdout', TIMEOUT);
    const findings = findInMemory(peer.child.pid!, secretsIn(file));
    found[phase] = [...new Set(findings.map(({ name }) => name))].sort();
    peer.type('\n');
  }
  const { code, stderr } = await peer.finished;
  expect([code, stderr]).toEqual([0, '']);
  return found;
}

/** The secrets that the peer has reported so far; each once, although both ends derive it. */
function secretsIn(file: string): Secret[] {
  const told = readFileSync(file);
  const secrets = new Map<string, Secret>();
  for (let offset = 0; offset < told.length;) {
    const start = offset + 1 + told[offset]!;
    const name = told.toString('utf8', offset + 1, start);
    const bytes = told.subarray(start, start + KEY_LENGTH);
    secrets.set(bytes.toString('hex'), { name, bytes });
    offset = start + KEY_LENGTH;
  }
  return [...secrets.values()];
}
