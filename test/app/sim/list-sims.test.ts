import { listSims, type ListSimsOptions } from '../../../src/app/sim/list-sims.js';
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

describe('since', () => {
  it('counts an age back from SORACOM’s clock, or else from the local one', async () => {
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new']);
    expect(await idsOf({ since: { age: 99_999 } })).toEqual([]);
    ports.api.serverTime = 1_100_000;
    expect(await idsOf({ since: { age: 100_000 } })).toEqual(['new', 'old']);
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
