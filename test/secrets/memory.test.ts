/** Keys are in memory while they are used, which is the control, and not afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { Processes, REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/requirements.js';
import { findInMemory, type Finding, type Secret } from './process-memory.js';

const PEER = `${REPOSITORY}test/secrets/memory-peer.js`;
const KEY_LENGTH = 32;
const TIMEOUT = 120_000;

const backends = (await createSodiumCrypto()) === undefined ? ['node'] : ['node', 'sodium-native'];

const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'arctun-secrets-'));
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

/** A process that stops at each phase, and what it has told of its secrets so far. */
class Peer {
  readonly #process: TestProcess;
  readonly #file: string;

  constructor(backend: string, scenario: string) {
    this.#file = join(folder, `${backend}-${scenario}`);
    this.#process = processes.start(
      [process.execPath, '--expose-gc', PEER, backend, scenario, this.#file],
      { interactive: true },
    );
  }

  /** What lies in its memory while it stands at a phase; it goes on afterwards. */
  async findAt(phase: string): Promise<Finding[]> {
    await this.#process.output(new RegExp(`^${phase}$`, 'm'), 'stdout', TIMEOUT);
    const found = findInMemory(this.#process.child.pid!, this.secrets());
    this.#process.type('\n');
    return found;
  }

  /** Each once: both ends make the same ones. */
  secrets(): Secret[] {
    const told = readFileSync(this.#file);
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
}

/** The names of what was found. */
function names(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ name }) => name))].sort();
}

describeWith(['linux'], 'the memory of a process', () => {
  describe.each(backends)('on %s', (backend) => {
    it(
      'holds no more keys of two devices than are needed, and none when they are closed',
      async () => {
        const peer = new Peer(backend, 'devices');
        const statics = ['the first private key', 'the pre-shared key', 'the second private key'];

        expect(names(await peer.findAt('begun'))).toEqual(
          ['a key of the handshake', 'a shared secret', 'an ephemeral key', ...statics].sort(),
        );
        expect(names(await peer.findAt('open'))).toEqual(
          ['a shared secret', 'a transport key', ...statics].sort(),
        );
        expect(names(await peer.findAt('sessions discarded'))).toEqual(
          ['a shared secret', ...statics].sort(),
        );
        expect(names(await peer.findAt('private key replaced'))).toEqual([
          'a shared secret',
          'another private key',
          'the pre-shared key',
          'the second private key',
        ]);
        expect(await peer.findAt('closed')).toEqual([]);
      },
      TIMEOUT,
    );

    it(
      'holds no key of a tunnel when that is closed',
      async () => {
        const peer = new Peer(backend, 'tunnel');
        expect(names(await peer.findAt('open'))).toEqual([
          'a shared secret',
          'a transport key',
          'the first private key',
          'the second private key',
        ]);
        expect(await peer.findAt('closed')).toEqual([]);
      },
      TIMEOUT,
    );
  });
});
