import { partiesOf } from '../../src/proxy/access-line.js';

const CLIENT = '127.0.0.1:51234';
const TARGET = { host: 'fd00::1', port: 80 };

it.each([
  [undefined, undefined, { client: CLIENT }],
  [undefined, 'sensor', { client: CLIENT, sim: 'sensor' }],
  [TARGET, undefined, { client: CLIENT, target: '[fd00::1]:80' }],
  [TARGET, 'sensor', { client: CLIENT, target: '[fd00::1]:80', sim: 'sensor' }],
])('names the target %p and the SIM %p if they are known', (target, sim, expected) => {
  const parties = partiesOf(CLIENT, target, sim);
  expect(parties).toStrictEqual(expected);
  expect(Object.keys(parties)).toEqual(Object.keys(expected));
});
