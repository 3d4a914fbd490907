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
  expect(bench.files.calls.filter((call) => !/^(readText|list) /.test(call))).toEqual([]);
  expect(bench.journals.calls).toEqual(['open']);
});

it('has a session in it also when createSim gave none', async () => {
  bench.answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
  await dump();
  expect(printed).toEqual([whole()]);
});

it('is worth printing without one', async () => {
  bench.answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
  bench.answering(CREATE_SESSION, json({ code: 'X', message: 'no' }, 403));
  const error = await failureOf(dump());
  expect(error.what).toContain(`SIM ${SIM_ID} was created and its arc.json is printed`);
  expect(error.kind).toBe('api');
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
  expect(error.rescuePath).toBe(`/state/arc.json.${SIM_ID}.%2Fhome%2Farc.json.rescue`);
  expect(bench.files.texts.get(error.rescuePath!)).toBe(whole());
});

it.each([{ ownKey: true }, { adopt: SIM_ID }])(
  'refuses %j: a key needs a file',
  async (options) => {
    expect(await failureOf(dump(options))).toMatchObject({ kind: 'usage' });
    expect(bench.count('POST /v1/sims')).toBe(0);
  },
);

it('creates nothing beside the journal of an interrupted run', async () => {
  bench.journals.lines.set('arc.json', [
    '{"step":"create-sim","since":0,"clock":"platform","endpoint":"https://x","ownKey":false}',
  ]);
  const error = await failureOf(dump());
  expect(error.next.join(' ')).toContain('without --dump-config');
  expect(bench.server.calls).toEqual([]);
  expect(bench.journals.lines.has('arc.json')).toBe(true);
});

it('creates nothing while a rescued arc.json waits', async () => {
  bench.files.texts.set('/state/arc.json.8942.%2Fhome%2Farc.json.rescue', whole());
  expect((await failureOf(dump())).why).toContain('/state/arc.json.8942.%2Fhome%2Farc.json.rescue');
  expect(bench.server.calls).toEqual([]);
});

it('tells what could not be labelled', async () => {
  bench.answering(`PUT /v1/sims/${SIM_ID}/tags`, json({ code: 'X', message: 'no' }, 403));
  expect((await dump({ labels: { name: 'x' } })).join(' ')).toContain('Sim:putSimTags');
});
