import { MAX_GROUP_LENGTH } from '../../../../src/emulator/api/operations/groups.js';
import { MAX_GROUPS } from '../../../../src/emulator/groups.js';
import { ApiHarness, code, keyOf, user } from '../api-harness.js';

let api: ApiHarness;
let headers: Record<string, string>;

beforeEach(async () => {
  api = await new ApiHarness([{ ...user('other', '*'), operatorId: 'OP0000000001' }]).open();
  headers = await api.logIn();
});
afterEach(() => api.close());

const create = (body: unknown) => api.post('/v1/groups', body, headers);

it('are created and shown', async () => {
  const content = { tags: { name: 'roofs' }, configuration: { SoracomAir: { userdata: 'u' } } };
  const created = await create(content);
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    ...content,
    groupId: expect.any(String) as string,
    operatorId: 'OP0000000000',
    createdTime: api.wallClock.now,
    lastModifiedTime: api.wallClock.now,
  });
  const shown = await api.request('GET', `/v1/groups/${String(created.body.groupId)}`, { headers });
  expect(shown).toMatchObject({ status: 200, body: created.body });
});

it('may be empty', async () => {
  expect((await create({})).body).toMatchObject({ tags: {}, configuration: {} });
});

it('are listed, by tag too', async () => {
  const ids: unknown[] = [];
  for (const name of ['roof', 'roofs', 'cellar']) {
    ids.push((await create({ tags: { name } })).body.groupId);
  }
  const list = async (query = '') =>
    (
      (await api.request('GET', `/v1/groups${query}`, { headers })).body as unknown as {
        groupId: string;
      }[]
    ).map(({ groupId }) => groupId);
  expect(await list()).toEqual(ids);
  expect(await list('?tag_name=name&tag_value=roof')).toEqual([ids[0]]);
  expect(await list('?tag_name=name&tag_value=roof&tag_value_match_mode=prefix')).toEqual(
    ids.slice(0, 2),
  );
  expect(await list('?tag_name=place&tag_value_match_mode=prefix')).toEqual([]);
  expect(await list(`?limit=1&last_evaluated_key=${String(ids[0])}`)).toEqual([ids[1]]);
});

it('belong to their operator only', async () => {
  const { groupId } = (await create({})).body;
  const other = await api.logIn(keyOf('other'));
  const path = `/v1/groups/${String(groupId)}`;
  expect(code(await api.request('GET', path, { headers: other }))).toEqual([404, 'EMU0404']);
  expect((await api.request('GET', '/v1/groups', { headers: other })).body).toEqual([]);
  expect((await api.request('GET', '/v1/groups/x', { headers })).status).toBe(404);
});

it.each(['', '[]', { tags: { name: 7 } }, { configuration: 'x' }])(
  'are rejected as malformed: %j',
  async (body) => {
    expect(code(await create(body))).toEqual([400, 'COM0008']);
  },
);

it('have limits', async () => {
  const large = { configuration: { SoracomAir: { userdata: 'x'.repeat(MAX_GROUP_LENGTH) } } };
  expect(code(await create(large))).toEqual([400, 'EMU0400']);
  const content = { operatorId: 'OP0000000000', tags: new Map(), configuration: {} };
  while (api.state.groups.create(content));
  expect(api.state.groups.all()).toHaveLength(MAX_GROUPS);
  expect(code(await create({}))).toEqual([400, 'EMU0400']);
});
