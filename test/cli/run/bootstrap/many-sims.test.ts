/** The progress and output of `bootstrap authkey --count`. */
import { jest } from '@jest/globals';
import { ux } from '@oclif/core';

import type { BootstrapManyOptions } from '../../../../src/app/bootstrap/bootstrap-many.js';
import type { Context } from '../../../../src/cli/context.js';
import { runBootstrapMany } from '../../../../src/cli/run/bootstrap/many-sims.js';
import { FileError } from '../../../../src/ports/files.js';
import { BootstrapHarness, SIM_ID, whole } from '../../../app/bootstrap-harness.js';
import { failureOf } from '../../../app/failure-of.js';
import { json } from '../../../soracom/recording-server.js';
import { FakeClock } from '../../../support/fakes/fake-clock.js';

const TARGET = '/home/sims/s-1.json';
const RESCUE = `/state/arc.json.${SIM_ID}.${encodeURIComponent(TARGET)}.rescue`;
const REPEAT = 'Run the same command again';
const OPTIONS: BootstrapManyOptions = {
  ...{ folder: 'sims', namePrefix: 's-', count: 1, yes: true },
  ...{ stateFolder: '/state', platform: 'linux' },
};

let bench: BootstrapHarness;
let results: string[];
let notes: string[];
/** The texts with which the progress lines ended. */
let ends: string[];

beforeEach(async () => {
  bench = await BootstrapHarness.start();
  results = [];
  notes = [];
  ends = [];
  jest.spyOn(ux.action, 'start').mockImplementation(() => undefined);
  jest.spyOn(ux.action, 'stop').mockImplementation((text = '') => void ends.push(text));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await bench.close();
});

function run({ asJson = false } = {}): Promise<void> {
  const { ports } = bench;
  const context = {
    ...{ env: {}, isVerbose: false },
    stderrIsTerminal: () => true,
    isInteractive: () => false,
    stopSignal: () => Promise.resolve(new AbortController().signal),
    clock: () => Promise.resolve(new FakeClock()),
    now: () => 0,
    files: () => Promise.resolve(bench.files),
    journals: () => Promise.resolve(bench.journals),
    homeFolder: () => '/home/me',
    privateFiles: () => Promise.resolve({}),
    commands: () => Promise.resolve({}),
    soracomClients: () => Promise.resolve(ports.createClient),
    keyPairs: () => Promise.resolve(ports.createKeyPair),
    publicKeyOf: () => Promise.resolve(ports.publicKeyOf),
  } as unknown as Context;
  const flags = {
    ...{ 'auth-key-id': 'keyId-1', 'auth-key': 'secret-1', endpoint: bench.server.url },
    ...{ 'dump-config': false, json: asJson, quiet: false },
  };
  const output = {
    write: (text: string | Uint8Array) => void results.push(String(text)),
    note: (line: string) => void notes.push(line),
  };
  return runBootstrapMany(OPTIONS, flags, context, output);
}

it('shows each SIM and the number of SIMs, and ends each step as done', async () => {
  await run();
  expect(results).toEqual([`s-1: SIM ${SIM_ID} created\n`, '1 of 1 SIMs are in sims\n']);
  expect(notes).toEqual([]);
  expect(ends.length).toBeGreaterThan(1);
  expect(new Set(ends)).toEqual(new Set(['done']));
});

it('shows that an earlier run had created the SIM of an interrupted setup', async () => {
  bench.files.texts.set(TARGET, whole());
  bench.journals.lines.set('sims/s-1.json', [
    JSON.stringify({
      ...{ step: 'create-sim', since: 0, clock: 'local', endpoint: bench.server.url },
      ownKey: false,
    }),
  ]);
  await run();
  expect(results[0]).toBe(`s-1: SIM ${SIM_ID} setup finished\n`);
});

describe('a failed step', () => {
  it('ends as failed, and the next run is suggested', async () => {
    bench.answering('POST /v1/sims', json({ code: 'X', message: 'not permitted' }, 403));
    expect((await failureOf(run())).message).toContain('HTTP 403');
    expect(ends.at(-1)).toBe('failed');
    expect(notes).toEqual([expect.stringContaining(REPEAT)]);
  });

  it('ends as failed before the first SIM', async () => {
    bench.answering('POST /v1/auth', json({ code: 'X', message: 'bad key' }, 401));
    expect((await failureOf(run())).message).toContain('HTTP 401');
    expect(ends).toEqual(['failed']);
    expect([results, notes]).toEqual([[], []]);
  });
});

describe('a SIM whose arc.json cannot be written', () => {
  beforeEach(() => {
    bench.journals.failures.set('append', new FileError('failed', '/j', 'gone'));
    bench.files.failures.set(`replaceText ${TARGET}`, new FileError('failed', TARGET, 'full'));
  });

  it('must be saved before another run, which is not suggested', async () => {
    const { next } = await failureOf(run());
    expect(next).toEqual([
      expect.stringContaining(RESCUE),
      'Save it before you run bootstrap again.',
    ]);
    expect(results).toEqual(['0 of 1 SIMs are in sims\n']);
    expect(notes).toEqual([]);
  });

  it('is printed if it cannot be saved elsewhere', async () => {
    bench.files.failures.set(`replaceText ${RESCUE}`, new FileError('failed', RESCUE, 'full'));
    await failureOf(run());
    expect(results).toEqual(['0 of 1 SIMs are in sims\n', whole()]);
    expect(notes).toEqual([]);
  });

  it('is part of the only JSON document that is printed', async () => {
    bench.files.failures.set(`replaceText ${RESCUE}`, new FileError('failed', RESCUE, 'full'));
    await failureOf(run({ asJson: true }));
    expect(results.map((text) => JSON.parse(text) as object)).toEqual([
      {
        ...{ folder: 'sims', count: 1, missing: 1, sims: [], notes: [] },
        arcJson: JSON.parse(whole()) as object,
      },
    ]);
  });
});
