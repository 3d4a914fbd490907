import type { ArcSim } from '../../../../src/emulator/sim.js';
import { ApiHarness, code, keyOf, user } from '../api-harness.js';

const OPERATOR = 'OP0000000000';

let api: ApiHarness;
let headers: Record<string, string>;
/** A: in a group, online. B: offline. C: terminated. L: the line. */
let sims: Record<'A' | 'B' | 'C' | 'L', string>;

beforeEach(async () => {
  api = await new ApiHarness([{ ...user('other', '*'), operatorId: 'OP0000000001' }]).open();
  headers = await api.logIn();
  const { state } = api;
  const group = state.groups.create({
    operatorId: OPERATOR,
    tags: new Map([['name', 'Roofs']]),
    configuration: {},
  })!;
  const [a, b, c] = [1, 2, 3].map(() => state.sims.create(OPERATOR)!.sim) as [
    ArcSim,
    ArcSim,
    ArcSim,
  ];
  state.sims.setGroup(state.sims.setTags(a, new Map([['name', 'Sensor 1']])), group.groupId);
  state.sims.deleteSession(
    state.sims.setTags(
      b,
      new Map([
        ['name', 'sensor 2'],
        ['place', 'cellar'],
      ]),
    ),
  );
  state.sims.terminate(c);
  sims = { A: a.simId, B: b.simId, C: c.simId, L: state.sims.line().simId };
  await api.createSim(keyOf('other'));
});
afterEach(() => api.close());

async function search(query: string): Promise<string> {
  const { status, body } = await api.request('GET', `/v1/query/sims?${query}`, { headers });
  expect(status).toBe(200);
  const names = Object.entries(sims);
  return (body as unknown as { simId: string }[])
    .map(({ simId }) => names.find(([, id]) => id === simId)?.[0] ?? simId)
    .join('');
}

it.each([
  ['', 'LABC'],
  ['name=sensor', 'AB'],
  ['name=Sensor%201', 'A'],
  ['name=r%201&name=r%202', 'AB'],
  ['name=r%201,r%202', 'AB'],
  ['name=r%201,x%202&tag=,cellar', ''],
  ['name=', 'LABC'],
  ['name=,', 'LABC'],
  ['msisdn=8190', ''],
  ['bundles=arcBundle', ''],
  ['serial_number=89', 'LABC'],
  ['status=active,terminated', 'LABC'],
  ['name=cellar', ''],
  ['tag=cellar', 'B'],
  ['group=roof', 'A'],
  ['group_id=x', ''],
  ['imsi=44010', 'L'],
  ['imsi=99999', 'ABC'],
  ['status=active', 'LAB'],
  ['status=terminated', 'C'],
  ['status=act', ''],
  ['status=active&status=terminated', 'LABC'],
  ['subscription=planArc01', 'ABC'],
  ['subscription=plan01s', 'L'],
  ['module_type=virtual', 'ABC'],
  ['session_status=ONLINE', 'A'],
  ['session_status=OFFLINE', 'LBC'],
  ['session_status=NA', 'LABC'],
  ['subscription=planArc01&status=active', 'AB'],
  ['name=Sensor%201&tag=cellar', ''],
  ['name=Sensor%201&tag=cellar&search_type=and', ''],
  ['name=Sensor%201&tag=cellar&search_type=or', 'AB'],
  ['search_type=or', 'LABC'],
  ['search_type=or&session_status=ONLINE&tag=cellar', 'AB'],
  ['unknown=x&a[b]=c', 'LABC'],
])('finds by %s', async (query, found) => {
  expect(await search(query)).toBe(found);
});

it.each(['name', 'group', 'tag', 'sim_id', 'imsi', 'msisdn', 'iccid', 'serial_number'])(
  'refuses a %s of one character, both alone and in a list',
  async (criterion) => {
    for (const value of ['1', 'ab,1', '%F0%9F%98%80']) {
      const path = `/v1/query/sims?${criterion}=${value}`;
      const { status, body } = await api.request('GET', path, { headers });
      expect({ status, body }).toMatchObject({
        status: 400,
        body: {
          code: 'COM0008',
          message: `The query is malformed: ${criterion} must have at least 2 characters.`,
        },
      });
    }
  },
);

it('finds a SIM by its serial number', async () => {
  expect(await search(`serial_number=${sims.B}`)).toBe('B');
});

it('finds by the ID of a SIM, of a profile and of a group', async () => {
  expect(await search(`sim_id=${sims.B}`)).toBe('B');
  expect(await search(`iccid=${sims.B}`)).toBe('B');
  const { groupId } = api.state.sims.get(sims.A)!;
  expect(await search(`group_id=${groupId!}`)).toBe('A');
  const { arc } = api.state.sims.bootstrapLine().sim;
  expect(await search(`iccid=${arc.iccid}`)).toBe('L');
  expect(await search(`imsi=${arc.imsi}`)).toBe('L');
  expect(await search('subscription=planArc01')).toBe('LABC');
});

it('returns pages', async () => {
  const first = await api.request('GET', '/v1/query/sims?limit=3', { headers });
  expect(first.body).toHaveLength(3);
  const key = first.headers.get('x-soracom-next-key');
  expect(key).toBe(sims.B);
  const rest = await api.request('GET', `/v1/query/sims?last_evaluated_key=${key!}`, { headers });
  expect(rest.body).toMatchObject([{ simId: sims.C }]);
  expect(rest.headers.get('x-soracom-next-key')).toBeNull();
});

it('returns ten without a limit, and at most a hundred', async () => {
  for (let count = 0; count < 100; count++) api.state.sims.create(OPERATOR);
  expect((await api.request('GET', '/v1/query/sims', { headers })).body).toHaveLength(10);
  const page = await api.request('GET', '/v1/query/sims?limit=100', { headers });
  expect(page.body).toHaveLength(100);
  expect((await api.request('GET', '/v1/sims?limit=999', { headers })).body).toHaveLength(100);
});

it.each(['limit=101', 'limit=0', 'limit=', 'session_status=x', 'search_type=x', 'limit=1&limit=2'])(
  'rejects %s as malformed',
  async (query) => {
    const reply = await api.request('GET', `/v1/query/sims?${query}`, { headers });
    expect(code(reply)).toEqual([400, 'COM0008']);
    expect(reply.body.message).toMatch(/^The query is malformed: /);
  },
);

it('requires its own permission', async () => {
  api.state.users.add(user('sims', 'Sim:*'));
  api.state.users.add(user('query', 'Query:searchSims'));
  const status = async (name: string) =>
    (await api.request('GET', '/v1/query/sims', { headers: await api.logIn(keyOf(name)) })).status;
  expect([await status('sims'), await status('query')]).toEqual([403, 200]);
});
