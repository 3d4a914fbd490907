import type { LostSim, SimChoice } from '../../../src/app/bootstrap/bootstrap-run.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { status, type Answer } from '../../soracom/recording-server.js';
import {
  BootstrapHarness,
  OWN_PRIVATE_KEY,
  OWN_PUBLIC_KEY,
  RENEW,
  SIM,
  SIM_ID,
  TARGET,
  whole,
} from '../bootstrap-harness.js';
import { failureOf } from '../failure-of.js';

const CREATE_SIM = 'POST /v1/sims';
const SINCE = Date.parse('2026-11-25T01:00:00Z');

let bench: BootstrapHarness;
beforeEach(async () => {
  bench = await BootstrapHarness.start();
  bench.journals.lines.set('arc.json', [
    JSON.stringify({
      step: 'create-sim',
      since: SINCE,
      clock: 'platform',
      endpoint: bench.server.url,
      ownKey: false,
    }),
  ]);
});
afterEach(() => bench.close());

/** The time of SORACOM's clock in the run under test. */
function itIs(milliseconds: number): void {
  bench.answering('POST /v1/auth', dated('{"apiKey":"a","token":"t"}', milliseconds));
}

function dated(body: string, milliseconds: number): Answer {
  return (response) => {
    response.writeHead(200, { Date: new Date(milliseconds).toUTCString() }).end(body);
  };
}

function listed(sims: readonly object[], now = SINCE + 30_000): void {
  itIs(now);
  for (const call of SEARCHES) bench.answering(call, dated(JSON.stringify(sims), now));
}

/** However the client asks. */
const SEARCHES = [
  'GET /v1/query/sims?subscription=planArc01&limit=100&search_type=and',
  'GET /v1/sims?limit=100',
  'GET /v1/sims',
];

const FOUND = { ...SIM, createdTime: SINCE + 1000, tags: { name: '' } };

describe('a run whose journal contains only the request', () => {
  it('names the SIM that was created since, and creates no other', async () => {
    listed([FOUND, { ...FOUND, simId: '8942000000000000001', createdTime: SINCE - 61_000 }]);
    const error = await failureOf(bench.run());
    expect(error.kind).toBe('failed');
    expect(error.why).toContain(`${SIM_ID} at 2026-11-25T01:00:01Z`);
    expect(error.why).not.toContain('8942000000000000001');
    expect(error.next.join('\n')).toContain(`--adopt ${SIM_ID}`);
    expect(error.next.join('\n')).toContain('--create-another');
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toEqual(['create-sim']);
  });

  it('does not propose the SIM of another device that was created shortly before', async () => {
    const other = '8942000000000000001';
    listed([{ ...FOUND, simId: other, createdTime: SINCE - 6_000 }, FOUND]);
    const error = await failureOf(bench.run());
    expect(error.why).toMatch(
      new RegExp(
        `created since then: ${SIM_ID} at .*; SIMs created in the minute before: ${other} at `,
      ),
    );
    expect(error.next.join('\n')).toContain(`--adopt ${SIM_ID}`);
    expect(error.next.join('\n')).not.toContain(`--adopt ${other}`);
    expect(error.next.join('\n')).toContain(
      'a device that is already using the SIM will lose its connection',
    );
  });

  it('adopts the SIM if the user agrees: a new key, and arc.json', async () => {
    const result = await bench.run({ adopt: SIM_ID });
    expect(result).toMatchObject({ simId: SIM_ID, created: false });
    expect(bench.files.texts.get(TARGET)).toBe(whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY));
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });

  it.each([
    ['adopts', { simId: SIM_ID }, 0, whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY)],
    ['creates another', 'create-another', 1, whole()],
  ] as const)('%s as the user chooses', async (_, choice: SimChoice, created, text) => {
    listed([FOUND]);
    const asked: (readonly LostSim[])[] = [];
    const chooseSim = (sims: readonly LostSim[]) => {
      asked.push(sims);
      return Promise.resolve(choice);
    };
    await bench.run({}, { chooseSim });
    expect(asked).toEqual([
      [{ simId: SIM_ID, createdTime: SINCE + 1000, name: '', isEarlier: false }],
    ]);
    expect(bench.count(CREATE_SIM)).toBe(created);
    expect(bench.files.texts.get(TARGET)).toBe(text);
    expect(bench.steps).toBeUndefined();
  });

  it('keeps the journal if the user declines the new SIM that is offered after ten minutes', async () => {
    listed([], SINCE + 601_000);
    const asked: unknown[] = [];
    const confirmSim = (summary: unknown) => {
      asked.push(summary);
      return Promise.resolve(false);
    };
    const error = await failureOf(bench.run({}, { confirmSim }));
    expect(error.what).toBe('no virtual SIM was created');
    expect(asked).toHaveLength(1);
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toEqual(['create-sim']);
  });

  it('waits while a SIM may not be listed yet', async () => {
    listed([]);
    const error = await failureOf(bench.run());
    expect(error.next[1]).toContain('2026-11-25T01:10:00Z');
    expect(bench.count(CREATE_SIM)).toBe(0);
  });

  it('creates a SIM if none is listed after ten minutes, and not a second before', async () => {
    listed([], SINCE + 599_000);
    await failureOf(bench.run());
    expect(bench.count(CREATE_SIM)).toBe(0);
    listed([], SINCE + 600_000);
    await bench.run();
    expect(bench.count(CREATE_SIM)).toBe(1);
  });

  it('does not use the local clock to exclude a SIM or to end the wait', async () => {
    bench.journals.lines.set('arc.json', [
      JSON.stringify({
        step: 'create-sim',
        since: SINCE,
        clock: 'local',
        endpoint: bench.server.url,
        ownKey: false,
      }),
    ]);
    listed([{ ...FOUND, createdTime: 1000 }], SINCE + 700_000);
    expect((await failureOf(bench.run())).why).toContain(SIM_ID);
    listed([], SINCE + 700_000);
    await failureOf(bench.run());
    expect(bench.count(CREATE_SIM)).toBe(0);
  });

  it('reports which permissions the search needs', async () => {
    listed([FOUND]);
    for (const call of SEARCHES) bench.answering(call, status(403));
    const error = await failureOf(bench.run());
    expect(error.next.join(' ')).toMatch(/Query:searchSims or Sim:listSims.*--adopt/);
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toEqual(['create-sim']);
  });
});

describe('a run whose SIM was created', () => {
  const created = JSON.stringify({ step: 'created', simId: SIM_ID, arcJson: whole() });
  beforeEach(() => bench.journals.lines.get('arc.json')!.push(created));

  it('is finished: its key is written and its session replaced', async () => {
    expect(await bench.run()).toMatchObject({ simId: SIM_ID, created: true });
    expect(bench.files.texts.get(TARGET)).toBe(whole());
    expect(bench.count(CREATE_SIM)).toBe(0);
    expect(bench.steps).toBeUndefined();
  });

  it('keeps its keys if the SIM is unknown to SORACOM, and creates no other', async () => {
    bench.journals.lines.get('arc.json')!.push(
      JSON.stringify({
        step: 'renew-key',
        simId: SIM_ID,
        privateKey: OWN_PRIVATE_KEY,
        publicKey: OWN_PUBLIC_KEY,
      }),
    );
    itIs(SINCE + 700_000);
    bench.answering(RENEW, status(404));
    await failureOf(bench.run());
    expect(bench.steps).toEqual(['create-sim', 'created', 'renew-key']);
    expect(bench.count(CREATE_SIM)).toBe(0);
  });

  it('gets its planned local key', async () => {
    const [, line] = bench.journals.lines.get('arc.json')!;
    bench.journals.lines.set('arc.json', [
      JSON.stringify({
        step: 'create-sim',
        since: SINCE,
        clock: 'platform',
        endpoint: bench.server.url,
        ownKey: true,
      }),
      line!,
    ]);
    await bench.run();
    expect(bench.files.texts.get(TARGET)).toBe(whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY));
    expect(bench.steps).toBeUndefined();
  });

  it('does not overwrite an arc.json of another SIM', async () => {
    bench.files.texts.set(TARGET, SAMPLE);
    const error = await failureOf(bench.run());
    expect(error.kind).toBe('configuration');
    expect(error.why).toContain(SIM_ID);
    expect(bench.files.texts.get(TARGET)).toBe(SAMPLE);
    expect(bench.steps).toEqual(['create-sim', 'created']);
  });
});

describe('a run interrupted while it renewed a key', () => {
  beforeEach(() => {
    bench.journals.lines.set('arc.json', [
      JSON.stringify({
        step: 'renew-key',
        simId: SIM_ID,
        privateKey: OWN_PRIVATE_KEY,
        publicKey: OWN_PUBLIC_KEY,
      }),
    ]);
  });

  it('is finished with the same key, in the existing arc.json', async () => {
    bench.files.texts.set(TARGET, whole().replace('"mtu": 1420', '"mtu": 1300'));
    await bench.run();
    expect(bench.files.texts.get(TARGET)).toBe(
      whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY).replace('"mtu": 1420', '"mtu": 1300'),
    );
    expect(bench.server.calls).toContain(RENEW);
    expect(bench.steps).toBeUndefined();
  });
});

describe('another account', () => {
  const asked = { step: 'create-sim', since: SINCE, clock: 'platform', ownKey: false };

  it.each([
    ['API', { endpoint: 'https://g.api.soracom.io' }],
    ['operator', { operatorId: 'OP0000000001' }],
  ])('with another %s proves nothing about the SIM: none is created there', async (_, other) => {
    bench.journals.lines.set('arc.json', [
      JSON.stringify({ ...asked, endpoint: bench.server.url, ...other }),
    ]);
    bench.answering(
      'POST /v1/auth',
      dated('{"apiKey":"a","token":"t","operatorId":"OP0000000002"}', SINCE + 700_000),
    );
    const error = await failureOf(bench.run());
    expect(error.why).toContain('uses another account or endpoint');
    expect(bench.count(CREATE_SIM)).toBe(0);
    await bench.run({ createAnother: true });
    expect(bench.count(CREATE_SIM)).toBe(1);
  });
});

describe('--adopt', () => {
  it('leaves the journal for the right ID if the ID is unknown', async () => {
    bench.journals.lines.get('arc.json')!.push(
      JSON.stringify({
        step: 'renew-key',
        simId: '8942000000000000000',
        privateKey: OWN_PRIVATE_KEY,
        publicKey: OWN_PUBLIC_KEY,
      }),
    );
    expect(await bench.run({ adopt: SIM_ID })).toMatchObject({ simId: SIM_ID });
    expect(bench.files.texts.get(TARGET)).toBe(whole(OWN_PRIVATE_KEY, OWN_PUBLIC_KEY));
    expect(bench.steps).toBeUndefined();
  });
});
