import {
  bootstrapMany,
  type BootstrapManyOptions,
  type BootstrapManyPorts,
  type ManySims,
} from '../../../src/app/bootstrap/bootstrap-many.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { json, status } from '../../soracom/recording-server.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { settled } from '../../support/until.js';
import { BootstrapHarness, SIM } from '../bootstrap-harness.js';
import { failureOf } from '../failure-of.js';

const CREATE_SIM = 'POST /v1/sims';
const SEARCH = 'GET /v1/query/sims?subscription=planArc01&limit=100&search_type=and';

let bench: BootstrapHarness;
/** The SIM IDs that createSim has returned. */
let created: string[];
let clock: FakeClock;

beforeEach(async () => {
  bench = await BootstrapHarness.start();
  created = [];
  clock = new FakeClock();
  bench.answering(CREATE_SIM, (response, request) => {
    const simId = `89423100000000000${created.length + 1}`;
    created.push(simId);
    bench.answering(`PUT /v1/sims/${simId}/tags`, json(SIM));
    bench.answering(`POST /v1/sims/${simId}/sessions/arc`, json(SIM.arcSessionStatus));
    json({ ...SIM, simId }, 201)(response, request);
  });
  listing([]);
});
afterEach(() => bench.close());

function listing(sims: readonly object[]): void {
  bench.answering(SEARCH, json(sims));
}

function run(
  options: Partial<BootstrapManyOptions> = {},
  ports: Partial<BootstrapManyPorts> = {},
  signal?: AbortSignal,
): Promise<ManySims> {
  return bootstrapMany(
    {
      ...{ folder: 'sims', namePrefix: 'sensor-', count: 3, yes: true },
      ...{ stateFolder: '/state', platform: 'linux' },
      ...options,
    },
    { ...bench.ports, clock, ...ports },
    signal,
  );
}

/** The SIM IDs in the files, by name. */
function filed(): Record<string, string> {
  const entries = [...bench.files.texts].map(([path, text]) => {
    const name = /^\/home\/sims\/(.*)\.json$/.exec(path)?.[1];
    return [name, (JSON.parse(text) as { simId: string }).simId];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

function failedWith({ failure }: ManySims): UserError {
  if (failure instanceof UserError) return failure;
  throw new Error('no UserError', { cause: failure });
}

it('creates each SIM with its own file and name, after signing in once', async () => {
  const seen: string[] = [];
  const { sims, notes, failure } = await run({}, { onSim: ({ name }) => seen.push(name) });
  expect(failure).toBeUndefined();
  expect(notes).toEqual([]);
  expect(seen).toEqual(['sensor-1', 'sensor-2', 'sensor-3']);
  expect(sims).toEqual(
    seen.map((name, index) => ({
      ...{ name, simId: created[index], created: true },
      path: `/home/sims/${name}.json`,
    })),
  );
  expect(Object.keys(filed())).toEqual(seen);
  expect(bench.count('POST /v1/auth')).toBe(1);
  const names = bench.server.requests.filter(({ url }) => url.endsWith('/tags'));
  expect(names.map(({ body }) => body)).toEqual(
    seen.map((name) => JSON.stringify([{ tagName: 'name', tagValue: name }])),
  );
  expect(bench.journals.lines.size).toBe(0);
});

it('creates only the missing SIMs in the next run, also for a larger count', async () => {
  await run({ count: 2 });
  const before = filed();
  const { sims } = await run({ count: 11 });
  expect(created).toHaveLength(11);
  expect(filed()).toMatchObject(before);
  expect(sims.map(({ name, created: isNew }) => [name, isNew]).slice(0, 3)).toEqual([
    ['sensor-1', false],
    ['sensor-2', false],
    ['sensor-3', true],
  ]);
  expect(sims.at(-1)?.name).toBe('sensor-11');
});

it('names the SIMs that an earlier run has not named', async () => {
  await run({ count: 2 });
  listing([
    { ...SIM, simId: created[0], tags: { name: 'by the user' } },
    { ...SIM, simId: created[1], tags: {} },
  ]);
  bench.server.requests.length = 0;
  await run({ count: 2 });
  const named = bench.server.requests.filter(({ url }) => url.endsWith('/tags'));
  expect(named.map(({ url, body }) => [url, body])).toEqual([
    [`/v1/sims/${created[1]}/tags`, '[{"tagName":"name","tagValue":"sensor-2"}]'],
  ]);
});

it('waits as long as SORACOM asks after 429, and sends the request once more', async () => {
  const answer = bench.server.answers.get(CREATE_SIM)!;
  let isLimited = true;
  bench.answering(CREATE_SIM, (response, request) => {
    if (!isLimited) {
      answer(response, request);
      return;
    }
    isLimited = false;
    response.writeHead(429, { 'Retry-After': '40' }).end('{"code":"X","message":"slow down"}');
  });
  const steps: string[] = [];
  const began = clock.now();
  const result = await settled(
    run({ count: 1 }, { onStep: (step) => steps.push(step) }),
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (steps.some((step) => step.includes('waiting 40 s'))) clock.advance(20_000);
    },
  );
  expect(result.failure).toBeUndefined();
  expect(clock.now() - began).toBeGreaterThanOrEqual(40_000);
  expect(created).toHaveLength(1);
  expect(bench.count(CREATE_SIM)).toBe(2);
});

it('does not repeat a request whose outcome is unknown, and asks for that SIM in the next run', async () => {
  const answer = bench.server.answers.get(CREATE_SIM)!;
  bench.answering(CREATE_SIM, (response, request) => {
    if (created.length < 1) answer(response, request);
    else status(502)(response, request);
  });
  const first = await run();
  expect(failedWith(first).message).toContain('HTTP 502');
  expect(first.sims.map(({ name }) => name)).toEqual(['sensor-1']);
  expect(bench.count(CREATE_SIM)).toBe(2);

  // SORACOM has created the SIM. The first SIM is newer than the request, too, but has a file.
  const createdTime = Date.now() + 5_000;
  const lost = { ...SIM, simId: '8942319', createdTime };
  listing([{ ...SIM, simId: created[0], tags: { name: 'sensor-1' }, createdTime }, lost]);
  bench.answering(CREATE_SIM, answer);
  const second = failedWith(await run());
  expect(second.next.join(' ')).toContain('--adopt 8942319');
  expect(second.message + second.next.join(' ')).not.toContain(created[0]!);
  expect(bench.count(CREATE_SIM)).toBe(2);

  bench.answering('PUT /v1/sims/8942319/credentials/arc', json({}));
  bench.answering('POST /v1/sims/8942319/sessions/arc', json(SIM.arcSessionStatus));
  bench.answering('PUT /v1/sims/8942319/tags', json(SIM));
  const third = await run({ adopt: '8942319' });
  expect(third.failure).toBeUndefined();
  expect(filed()).toMatchObject({ 'sensor-1': created[0], 'sensor-2': '8942319' });
  expect(third.sims).toHaveLength(3);
  expect(bench.count(CREATE_SIM)).toBe(3);
});

it('stops between two SIMs after a signal', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  const onSim = () => stop.abort(reason);
  const result = await run({}, { onSim }, stop.signal);
  expect(result.failure).toBe(reason);
  expect(result.sims).toHaveLength(1);
  expect(created).toHaveLength(1);
});

describe('confirmation', () => {
  it('prevents everything if the user declines', async () => {
    const error = await failureOf(run({ yes: false }, { confirm: () => Promise.resolve(false) }));
    expect(error.kind).toBe('failed');
    expect(bench.server.calls).toEqual([]);
  });

  it('requires --yes without a terminal', async () => {
    const error = await failureOf(run({ yes: false }));
    expect(error.kind).toBe('usage');
    expect(error.next).toEqual(['Add --yes to create them.']);
    expect(bench.server.calls).toEqual([]);
  });
});

it.each([
  ['--adopt', { adopt: '8942310022000012345' }],
  ['--create-another', { createAnother: true }],
])('refuses %s if no request was interrupted', async (flag, options) => {
  const error = await failureOf(run(options));
  expect(error.kind).toBe('usage');
  expect(error.what).toContain(flag);
  expect(bench.server.calls).toEqual([]);
});

describe('--adopt', () => {
  beforeEach(async () => {
    await run({ count: 1 });
    // The response for the second SIM is lost.
    bench.answering(CREATE_SIM, status(502));
    await run({ count: 2 });
    bench.server.requests.length = 0;
  });

  it('refuses the SIM of another file', async () => {
    const error = await failureOf(run({ count: 2, adopt: created[0]! }));
    expect(error.kind).toBe('usage');
    expect(error.why).toBe('/home/sims/sensor-1.json already uses it');
    expect(bench.server.requests).toEqual([]);
  });
});

it.each([
  { namePrefix: 'a b', count: 1 },
  { namePrefix: '../', count: 1 },
  { namePrefix: 'x'.repeat(64), count: 1 },
  { namePrefix: 'x', count: 0 },
  { namePrefix: 'x', count: 2_001 },
])('refuses names that a fleet would ignore: %j', async (options) => {
  const error = await failureOf(run(options));
  expect(error.kind).toBe('usage');
  expect(bench.server.calls).toEqual([]);
});
