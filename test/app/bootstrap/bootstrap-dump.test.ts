import { dumpBootstrap } from '../../../src/app/bootstrap/bootstrap-dump.js';
import type { BootstrapAuthkeyOptions } from '../../../src/app/bootstrap/bootstrap-run.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { type Answer, cut, json, status } from '../../soracom/recording-server.js';
import {
  BootstrapHarness,
  optionsWith,
  SESSION,
  SIM,
  SIM_ID,
  TARGET,
  whole,
} from '../bootstrap-harness.js';
import { failureOf } from '../failure-of.js';

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

it('creates no SIM if the user declines', async () => {
  const run = dumpBootstrap(optionsWith({}), {
    ...bench.ports,
    confirmSim: () => Promise.resolve(false),
    print: () => Promise.reject(new Error('printed')),
  });
  expect((await failureOf(run)).what).toBe('no virtual SIM was created');
  expect(bench.count('POST /v1/sims')).toBe(0);
});

it('includes a session even if createSim returned none', async () => {
  bench.answering('POST /v1/sims', json({ ...SIM, arcSessionStatus: undefined }, 201));
  await dump();
  expect(printed).toEqual([whole()]);
});

describe('the answer to createSim', () => {
  it.each<[string, Answer]>([
    ['cut off', cut],
    ['a 500', status(500)],
    ['a 502 of a gateway', status(502, '<html>bad gateway</html>')],
    ['no JSON', status(201, '{"simId":')],
  ])('is reported if it is lost as %s: a SIM may exist, and how to find it', async (_, answer) => {
    bench.answering('POST /v1/sims', answer);
    const error = await failureOf(dump());
    expect(error.kind).toBe('api');
    expect(error.next).toEqual([
      expect.stringMatching(
        /^Before you retry, look for a new SIM with `arctun sim list --since 10m`: a billed SIM may already exist/,
      ),
      expect.stringMatching(/--adopt SIM_ID.*sim terminate SIM_ID/),
    ]);
    expect(bench.count('POST /v1/sims')).toBe(1);
    expect(printed).toEqual([]);
    expect(bench.server.calls.at(-1)).toBe('POST /v1/auth/logout');
  });

  it('is reported with the SIM if it has no key, and how to get one', async () => {
    bench.answering('POST /v1/sims', json({ ...SIM, profiles: {} }, 201));
    const error = await failureOf(dump());
    expect(error.what).toContain(`SIM ${SIM_ID} was created`);
    expect(error.next.join(' ')).toContain(`--adopt ${SIM_ID}`);
    expect(printed).toEqual([]);
  });
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

it('advises another run if a new session cannot be printed', async () => {
  bench.files.texts.set(TARGET, SAMPLE);
  expect(await failureOf(dump({}, new Error('no space left')))).toMatchObject({
    kind: 'failed',
    what: 'cannot write arc.json to standard output',
    why: 'no space left',
    next: [expect.stringMatching(/^Try again: SIM \d+ has a new session/)],
  });
  expect(bench.files.texts.get(TARGET)).toBe(SAMPLE);
});

it('keeps the key in arc.json if standard output fails', async () => {
  const error = await failureOf(dump({}, new Error('no space left')));
  expect(error.what).toContain(`SIM ${SIM_ID} was created`);
  expect(error.message).toContain('no space left');
  expect(error.why).toContain(TARGET);
  expect(bench.files.texts.get(TARGET)).toBe(whole());
});

it.each([{ ownKey: true }, { adopt: SIM_ID }])(
  'refuses %j because a key needs a file',
  async (options) => {
    expect(await failureOf(dump(options))).toMatchObject({ kind: 'usage' });
    expect(bench.count('POST /v1/sims')).toBe(0);
  },
);

it('creates nothing if the journal of an interrupted run exists', async () => {
  bench.journals.lines.set('arc.json', [
    '{"step":"create-sim","since":0,"clock":"platform","endpoint":"https://x","ownKey":false}',
  ]);
  const error = await failureOf(dump());
  expect(error.next.join(' ')).toContain('without --dump-config');
  expect(bench.server.calls).toEqual([]);
  expect(bench.journals.lines.has('arc.json')).toBe(true);
});
