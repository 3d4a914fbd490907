import { dumpBootstrap } from '../../src/app/bootstrap-dump.js';
import type { BootstrapAuthkeyOptions } from '../../src/app/bootstrap-run.js';
import { FileError } from '../../src/arc-config/files.js';
import { SAMPLE } from '../arc-config/sample.js';
import { json } from '../soracom/recording-server.js';
import {
  BootstrapHarness,
  CREATE_SESSION,
  head,
  optionsWith,
  rescueOf,
  SESSION,
  SIM,
  SIM_ID,
  TARGET,
  whole,
} from './bootstrap-harness.js';
import { failureOf } from './failure-of.js';

let bench: BootstrapHarness;
let printed: string[];
beforeEach(async () => {
  bench = await BootstrapHarness.start();
  printed = [];
});
afterEach(() => bench.close());

function dump(options: Partial<BootstrapAuthkeyOptions> = {}, printFailure?: Error) {
  return dumpBootstrap(optionsWith(options), {
    ...bench.ports,
    print: (text) => {
      if (printFailure) return Promise.reject(printFailure);
      printed.push(text);
      return Promise.resolve();
    },
  });
}

it('prints the arc.json of a new SIM and writes nothing', async () => {
  expect(await dump()).toEqual([]);
  expect(printed).toEqual([whole()]);
  expect(bench.files.calls.filter((call) => !call.startsWith('readText'))).toEqual([]);
  expect(bench.journals.calls).toEqual([]);
});

it('has a session in it also when createSim gave none', async () => {
  bench.answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
  await dump();
  expect(printed).toEqual([whole()]);
});

it('is worth printing without one', async () => {
  bench.answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
  bench.answering(CREATE_SESSION, json({ code: 'X', message: 'no' }, 403));
  await dump();
  expect(printed).toEqual([`${head()}\n}\n`]);
});

it.each([
  ['a file', undefined],
  ['an inline configuration', SAMPLE],
])('renews the session of %s, and creates no SIM', async (_, path) => {
  bench.files.texts.set(TARGET, SAMPLE);
  await dump(path === undefined ? {} : { path });
  expect(JSON.parse(printed[0]!)).toEqual({
    ...(JSON.parse(SAMPLE) as object),
    arcSessionStatus: SESSION,
  });
  expect(bench.files.texts.get(TARGET)).toBe(SAMPLE);
  expect(bench.count('POST /v1/sims')).toBe(0);
  expect(bench.server.calls.at(-1)).toBe('POST /v1/auth/logout');
});

it('keeps the key in arc.json when standard output does not take it', async () => {
  const error = await failureOf(dump({}, new Error('no space left')));
  expect(error.what).toContain(`SIM ${SIM_ID} was created`);
  expect(error.message).toContain('no space left');
  expect(error.why).toContain(TARGET);
  expect(bench.files.texts.get(TARGET)).toBe(whole());
});

it('keeps it in the rescue folder when that fails, too', async () => {
  bench.files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'read-only'));
  const error = await rescueOf(dump({}, new Error('no space left')));
  expect(error.rescuePath).toBe(`/rescue/arc.json.${SIM_ID}.rescue`);
  expect(bench.files.texts.get(error.rescuePath!)).toBe(whole());
});

it.each([{ ownKey: true }, { adopt: SIM_ID }])(
  'refuses %j: a key needs a file',
  async (options) => {
    expect(await failureOf(dump(options))).toMatchObject({ kind: 'usage' });
    expect(bench.count('POST /v1/sims')).toBe(0);
  },
);

it('tells what could not be labelled', async () => {
  bench.answering(`PUT /v1/sims/${SIM_ID}/tags`, json({ code: 'X', message: 'no' }, 403));
  expect((await dump({ labels: { name: 'x' } })).join(' ')).toContain('Sim:putSimTags');
});
