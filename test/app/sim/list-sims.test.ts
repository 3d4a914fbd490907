import { listSims, type ListSimsOptions } from '../../../src/app/sim/list-sims.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { apiError, NEW_SESSION, sim } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

let ports: SimTestPorts;
beforeEach(() => {
  ports = simTestPorts();
  ports.api.sims = [
    sim('old', { createdTime: 1_000_000 }),
    sim('new', { createdTime: 1_900_000 }),
    sim('gone', { createdTime: 1_950_000, status: 'terminated' }),
    sim('card', { createdTime: 1_960_000, type: 'uicc' }),
  ];
});

const list = (options: Partial<ListSimsOptions> = {}) =>
  listSims({ config: 'arc.json', ...options }, ports);
const idsOf = async (options: Partial<ListSimsOptions> = {}) =>
  (await list(options)).sims.map(({ simId }) => simId);

it('lists virtual SIMs that are not terminated, the newest first', async () => {
  expect(await idsOf()).toEqual(['new', 'old']);
  expect(ports.api.calls).toEqual(['auth', 'searchVirtualSims', 'logout']);
});

it('lists all known data of each SIM', async () => {
  ports.api.sims = [
    sim('1', {
      createdTime: 5,
      groupId: 'g-1',
      tags: { name: 'sensor', site: 'osaka', odd: undefined },
      arcSessionStatus: NEW_SESSION,
      sessionStatus: {
        online: true,
        lastUpdatedAt: undefined,
        ueIpAddress: '10.1.1.1',
        imsi: undefined,
        placement: undefined,
      },
    }),
  ];
  expect((await list()).sims).toEqual([
    {
      simId: '1',
      name: 'sensor',
      status: 'active',
      online: true,
      address: '10.9.8.7',
      createdTime: 5,
      groupId: 'g-1',
      tags: { name: 'sensor', site: 'osaka' },
    },
  ]);
});

it('uses the address of the session status if there is no other', async () => {
  const sessionStatus = {
    online: false,
    lastUpdatedAt: undefined,
    ueIpAddress: '10.1.1.1',
    imsi: undefined,
    placement: undefined,
  };
  ports.api.sims = [sim('1', { sessionStatus })];
  expect((await list()).sims[0]).toMatchObject({ name: '', online: false, address: '10.1.1.1' });
});

it('orders SIMs of equal age by their IDs, and those without an age last', async () => {
  const sims = [sim('z'), sim('b', { createdTime: 5 }), sim('a', { createdTime: 5 })];
  for (const order of [sims, sims.toReversed()]) {
    ports.api.sims = order;
    expect(await idsOf()).toEqual(['a', 'b', 'z']);
  }
});

it('treats a SIM without a type as a virtual one', async () => {
  ports.api.sims = [sim('1', { type: undefined })];
  expect(await idsOf()).toEqual(['1']);
});

describe('since', () => {
  it('omits SIMs created before a time', async () => {
    expect(await idsOf({ since: { unixTime: 1_900_000 } })).toEqual(['new']);
    expect(await idsOf({ since: { unixTime: 1_900_001 } })).toEqual([]);
  });

  it('counts an age back from SORACOM’s clock, or else from the local one', async () => {
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new']);
    expect(await idsOf({ since: { age: 99_999 } })).toEqual([]);
    ports.api.serverTime = 1_100_000;
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new', 'old']);
  });

  it('keeps a SIM without a known age', async () => {
    ports.api.sims = [sim('1')];
    expect(await idsOf({ since: { unixTime: 1_900_000 } })).toEqual(['1']);
  });
});

describe('permissions', () => {
  it('allow listing if searching is not permitted', async () => {
    ports.api.failures.set('searchVirtualSims', apiError(403));
    expect(await idsOf()).toEqual(['new', 'old']);
    expect(ports.api.work).toEqual(['searchVirtualSims', 'listSims']);
  });

  it.each([true, false])(
    'that would be sufficient are named if neither is permitted (all: %s)',
    async (all) => {
      ports.api.failures.set('searchVirtualSims', apiError(403));
      ports.api.failures.set('listSims', apiError(403));
      const error = await failureOf(list({ all }));
      expect(error.kind).toBe('api');
      expect(error.next).toEqual(['Grant Query:searchSims or Sim:listSims to this SAM user.']);
      expect(ports.api.calls.at(-1)).toBe('logout');
    },
  );

  it.each(['searchVirtualSims', 'listSims'])('do not hide other failures of %s', async (name) => {
    ports.api.failures.set('searchVirtualSims', apiError(403));
    ports.api.failures.set(name, apiError(500));
    expect((await failureOf(list())).why).toBe('HTTP 500');
  });
});

describe('all', () => {
  it('also lists terminated SIMs, but no physical ones', async () => {
    const { sims, notes } = await list({ all: true });
    expect(sims.map(({ simId }) => simId)).toEqual(['gone', 'new', 'old']);
    expect(notes).toEqual([]);
    expect(ports.api.work).toEqual(['listSims']);
  });

  it('reports what is missing if only searching is permitted', async () => {
    ports.api.failures.set('listSims', apiError(403));
    const { notes } = await list({ all: true });
    expect(notes).toEqual([
      'Terminated SIMs are not included, because listing them requires Sim:listSims.',
    ]);
  });
});

it('can sign in with arc.json’s own profile, but does not need one', async () => {
  await list();
  ports.files.texts.set('/home/arc.json', SAMPLE);
  await list();
  ports.files.texts.set('/home/arc.json', '{');
  const { notes } = await list();
  expect(ports.profiles.map((profile) => profile?.authKeyId)).toEqual([
    undefined,
    'keyId-abcdefgh',
    undefined,
  ]);
  expect(notes[0]).toMatch(/^The configuration was ignored/);
});
