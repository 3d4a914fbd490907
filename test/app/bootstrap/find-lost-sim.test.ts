import { findLostSims } from '../../../src/app/bootstrap/resume-steps.js';
import { failureOf } from '../failure-of.js';
import { apiError, FakeSoracom, sim } from '../fake-soracom.js';

const SINCE = 1_000_000_000;

let api: FakeSoracom;
beforeEach(() => {
  api = new FakeSoracom();
  api.sims = [
    sim('late', { createdTime: SINCE + 5000, tags: { name: 'b' } }),
    sim('early', { createdTime: SINCE + 1 }),
  ];
});

const idsOf = async () => (await findLostSims(SINCE, api)).map(({ simId }) => simId);

it('lists those from before the request last, the nearest first', async () => {
  api.sims = [
    sim('long-before', { createdTime: SINCE - 50_000 }),
    sim('before', { createdTime: SINCE - 6_000 }),
    sim('untold', { createdTime: undefined }),
    sim('late', { createdTime: SINCE + 9_000 }),
    sim('asked', { createdTime: SINCE }),
  ];
  const found = await findLostSims(SINCE, api);
  expect(found.map(({ simId, isEarlier }) => [simId, isEarlier])).toEqual([
    ['asked', false],
    ['late', false],
    ['untold', false],
    ['before', true],
    ['long-before', true],
  ]);
});

it('allows for a minute between the clocks of SORACOM', async () => {
  api.sims = [
    sim('within', { createdTime: SINCE - 60_000 }),
    sim('before', { createdTime: SINCE - 60_001 }),
  ];
  expect(await idsOf()).toEqual(['within']);
});

it('excludes terminated and physical ones', async () => {
  api.sims = [
    sim('gone', { createdTime: SINCE, status: 'terminated' }),
    sim('card', { createdTime: SINCE, type: 'uicc' }),
    sim('untold', { createdTime: SINCE, type: undefined }),
  ];
  expect(await idsOf()).toEqual(['untold']);
});

it('names the sufficient permissions if it may do neither', async () => {
  api.failures.set('searchVirtualSims', apiError(403));
  api.failures.set('listSims', apiError(403));
  const error = await failureOf(findLostSims(SINCE, api));
  expect(error).toMatchObject({ kind: 'api', what: 'cannot create a virtual SIM' });
  expect(error.next.join(' ')).toMatch(
    /Query:searchSims or Sim:listSims.*--adopt.*--create-another/,
  );
});
