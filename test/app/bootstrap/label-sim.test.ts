import { labelSim } from '../../../src/app/bootstrap/label-sim.js';
import { apiError, FakeSoracom } from '../fake-soracom.js';

let api: FakeSoracom;
beforeEach(() => {
  api = new FakeSoracom();
});

const TAGS = [
  { tagName: 'site', tagValue: 'osaka' },
  { tagName: 'floor', tagValue: '' },
];

it('sets the name, the tags and the group of the SIM', async () => {
  const labels = { name: 'sensor-1', group: 'g-1', tags: TAGS };
  expect(await labelSim('1', labels, api)).toEqual([]);
  expect(api.calls).toEqual(['putSimTags 1 name=sensor-1 site=osaka floor=', 'setSimGroup 1 g-1']);
});

it('reports each label that could not be set, and sets the others', async () => {
  api.failures.set('putSimTags', apiError(403));
  const warnings = await labelSim('1', { name: 'a', tags: TAGS, group: 'g-1' }, api);
  expect(warnings).toEqual([
    'could not set the tags of SIM 1 (name, site, floor): HTTP 403',
    'Do this.',
  ]);
  expect(api.calls).toHaveLength(2);

  api.failures.clear();
  api.failures.set('setSimGroup', apiError(404));
  expect(await labelSim('1', { name: 'a', group: 'g-1' }, api)).toEqual([
    'could not add SIM 1 to group g-1: HTTP 404',
    'Do this.',
  ]);
});
