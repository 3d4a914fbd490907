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

it('lists living virtual SIMs, the newest first', async () => {
  expect(await idsOf()).toEqual(['new', 'old']);
  expect(ports.api.calls).toEqual(['auth', 'searchVirtualSims', 'logout']);
});

it('tells of each what there is to tell', async () => {
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

it('takes the address of the session status where there is no other', async () => {
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

it('orders SIMs of one age by their ids, and those of no age last', async () => {
  const sims = [sim('z'), sim('b', { createdTime: 5 }), sim('a', { createdTime: 5 })];
  for (const order of [sims, sims.toReversed()]) {
    ports.api.sims = order;
    expect(await idsOf()).toEqual(['a', 'b', 'z']);
  }
});

it('takes a SIM whose type is not told for a virtual one', async () => {
  ports.api.sims = [sim('1', { type: undefined })];
  expect(await idsOf()).toEqual(['1']);
});

describe('since', () => {
  it('leaves out what was created before a time', async () => {
    expect(await idsOf({ since: { unixTime: 1_900_000 } })).toEqual(['new']);
    expect(await idsOf({ since: { unixTime: 1_900_001 } })).toEqual([]);
  });

  it("counts an age back from the platform's clock, or else from ours", async () => {
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new']);
    expect(await idsOf({ since: { age: 99_999 } })).toEqual([]);
    ports.api.serverTime = 1_100_000;
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new', 'old']);
  });

  it('keeps a SIM whose age is not told', async () => {
    ports.api.sims = [sim('1')];
    expect(await idsOf({ since: { unixTime: 1_900_000 } })).toEqual(['1']);
  });
});

describe('permissions', () => {
  it('lists where it may not search', async () => {
    ports.api.failures.set('searchVirtualSims', apiError(403));
    expect(await idsOf()).toEqual(['new', 'old']);
    expect(ports.api.work).toEqual(['searchVirtualSims', 'listSims']);
  });

  it.each([true, false])(
    'names those that would do where it may do neither (all: %s)',
    async (all) => {
      ports.api.failures.set('searchVirtualSims', apiError(403));
      ports.api.failures.set('listSims', apiError(403));
      const error = await failureOf(list({ all }));
      expect(error.kind).toBe('api');
      expect(error.next).toEqual(['Grant Query:searchSims or Sim:listSims to this SAM user.']);
      expect(ports.api.calls.at(-1)).toBe('logout');
    },
  );

  it.each(['searchVirtualSims', 'listSims'])('hands on another failure of %s', async (name) => {
    ports.api.failures.set('searchVirtualSims', apiError(403));
    ports.api.failures.set(name, apiError(500));
    expect((await failureOf(list())).why).toBe('HTTP 500');
  });
});

describe('all', () => {
  it('lists terminated ones, too, but no physical ones', async () => {
    const { sims, notes } = await list({ all: true });
    expect(sims.map(({ simId }) => simId)).toEqual(['gone', 'new', 'old']);
    expect(notes).toEqual([]);
    expect(ports.api.work).toEqual(['listSims']);
  });

  it('says what is missing where it may only search', async () => {
    ports.api.failures.set('listSims', apiError(403));
    const { notes } = await list({ all: true });
    expect(notes).toEqual(['Terminated SIMs are not included: that requires Sim:listSims.']);
  });
});

it("may sign in with arc.json's own profile, and needs none", async () => {
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
