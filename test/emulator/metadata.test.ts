import { metadataResponse } from '../../src/emulator/metadata.js';
import { PlatformState } from '../../src/emulator/platform-state.js';
import { fakeCrypto, FakeArcNetwork, FakeWallClock, seededEntropy } from './fakes.js';

function setUp() {
  const [arc, entropy, wallClock] = [new FakeArcNetwork(), seededEntropy(), new FakeWallClock()];
  const state = new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: [] });
  const { simId } = state.sims.create('OP0000000000')!.sim;
  const ask = (path: string, method = 'GET', id = simId) =>
    metadataResponse(state.groups, state.sims.get(id)!, { method, path });
  return { state, simId, ask, wallClock };
}

it('returns a SIM’s own data', () => {
  const { state, simId, ask, wallClock } = setUp();
  const { imsi, arc } = state.sims.get(simId)!;
  expect(ask('/v1/subscriber')).toEqual({
    status: 200,
    body: {
      simId,
      imsi,
      iccid: simId,
      operatorId: 'OP0000000000',
      status: 'active',
      type: 'arc.standard',
      speedClass: 'arc.standard',
      moduleType: 'virtual',
      groupId: null,
      tags: { name: '' },
      terminationEnabled: false,
      createdAt: wallClock.now,
      lastModifiedAt: wallClock.now,
      ipAddress: '10.0.0.2',
      sessionStatus: {
        online: true,
        sessionId: arc!.session!.sessionId,
        lastUpdatedAt: wallClock.now,
      },
    },
  });
});

it('returns the line by its own IMSI', () => {
  const { state, ask } = setUp();
  const line = state.sims.line();
  const shown = { simId: line.simId, imsi: line.imsi, moduleType: 'nano', type: 's1.standard' };
  const path = '/v1/subscriber';
  const offline = { ...shown, ipAddress: null, sessionStatus: { online: false } };
  expect(ask(path, 'GET', line.simId)).toMatchObject({ body: offline });
  state.sims.bootstrapLine();
  expect(ask(path, 'GET', line.simId)).toMatchObject({
    body: { ...shown, ipAddress: '10.0.39.16' },
  });
});

it.each([
  ['.imsi', /^99999/],
  ['.status', 'active'],
  ['.tags.name', ''],
  ['.terminationEnabled', 'false'],
  ['.groupId', 'null'],
  ['.tags', { name: '' }],
])('returns the field %s', (field, value) => {
  const { ask } = setUp();
  const { status, body } = ask(`/v1/subscriber${field}`);
  expect(status).toBe(200);
  if (value instanceof RegExp) expect(body).toMatch(value);
  else expect(body).toEqual(value);
});

it.each([
  '/',
  '/v1',
  '/v1/subscriber/',
  '/v1/subscriberX',
  '/v1/subscriber.',
  '/v1/subscriber.none',
  '/v1/subscriber.imsi.length',
  '/v1/subscriber.tags.constructor',
  '/v1/subscriber.__proto__',
  '/v1/userdata',
])('has no %s', (path) => {
  expect(setUp().ask(path)).toMatchObject({ status: 404 });
});

it('is read-only', () => {
  const { ask } = setUp();
  expect(ask('/v1/subscriber', 'PUT')).toMatchObject({ status: 405 });
  expect(ask('/v1/subscriber', 'HEAD')).toMatchObject({ status: 200 });
});

it.each([
  [{ SoracomAir: { userdata: 'hello' } }, { status: 200, body: 'hello' }],
  [{ SoracomAir: { userdata: 7 } }, { status: 404 }],
  [{ SoracomAir: 'userdata' }, { status: 404 }],
  [{}, { status: 404 }],
])('has the user data of the group %j', (configuration, answer) => {
  const { state, simId, ask } = setUp();
  const operatorId = 'OP0000000000';
  const { groupId } = state.groups.create({ operatorId, tags: new Map(), configuration })!;
  state.sims.setGroup(state.sims.get(simId)!, groupId);
  expect(ask('/v1/userdata')).toMatchObject(answer);
});
