import { checkLeftovers, fixFailure } from '../../../src/app/doctor/machine-checks.js';
import type { LoadedArcConfig } from '../../../src/app/config/load-arc-config.js';
import type { InterfaceLeftovers } from '../../../src/ports/packet-interfaces.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { sampleWithSession } from '../../arc-config/sample.js';

const KEY = new Uint8Array(32).fill(1);
const config = parseArcConfig(sampleWithSession({}), { path: 'site.json' });
const CONFIG: LoadedArcConfig = {
  config,
  original: config,
  source: 'site.json',
  path: 'site.json',
};

let removed: string[];
const NOTHING: InterfaceLeftovers = {
  isInUse: () => false,
  count: () => 0,
  remove: () => 0,
  kernelInterface: () => undefined,
  removeInterface: () => undefined,
};

beforeEach(() => {
  removed = [];
});

function check(change: Partial<InterfaceLeftovers>, isInUse = false) {
  return checkLeftovers(CONFIG, KEY, isInUse, { ...NOTHING, ...change });
}

it('finds nothing, or is skipped on a system without interfaces', () => {
  expect(check({})).toMatchObject({ check: { outcome: 'ok' }, isTunnelOpen: false });
  expect(checkLeftovers(CONFIG, KEY, false, undefined)).toMatchObject({
    check: { outcome: 'skipped' },
    isTunnelOpen: false,
  });
});

it('finds the interface of a killed tunnel with this key, and removes it', async () => {
  const { check: found, isTunnelOpen } = check({
    kernelInterface: (key) => (key === KEY ? 'wg7' : undefined),
    removeInterface: (name) => void removed.push(name),
  });
  expect(isTunnelOpen).toBe(true);
  expect(found).toMatchObject({
    outcome: 'failed',
    kind: 'tunnel',
    text: 'The network interface wg7 is still using this SIM.',
    remedy: 'Run as root: ip link delete wg7',
  });
  if (found.outcome !== 'failed') throw new Error('expected a failure');
  expect(await found.fix!()).toBe('Removed the network interface wg7.');
  expect(removed).toEqual(['wg7']);
});

it.each([
  [1, '1 route of'],
  [3, '3 routes of'],
])('finds the routes of a killed tunnel: %i', async (count, text) => {
  const { check: found } = check({ count: () => count, remove: () => count });
  expect(found).toMatchObject({
    outcome: 'failed',
    text: expect.stringContaining(text) as string,
    remedy: 'Run as root: arctun up --cleanup --config site.json',
  });
  if (found.outcome !== 'failed') throw new Error('expected a failure');
  expect(await found.fix!()).toBe(`Removed ${count} routes and rules.`);
});

it('ignores the interface and the routes of a tunnel that is open', () => {
  const open = { kernelInterface: () => 'wg7', count: () => 2 };
  expect(check(open, true)).toMatchObject({ check: { outcome: 'ok' }, isTunnelOpen: false });
  expect(check({ count: () => 2, isInUse: () => true }).check).toMatchObject({ outcome: 'ok' });
});

it.each(['EPERM', 'EACCES'])('says that a fix needs a permission: %s', (code) => {
  const error = Object.assign(new Error(code), { code });
  const expected = '--fix could not do this, because this user lacks the permission.';
  expect(fixFailure(error)).toBe(expected);
  expect(fixFailure(new Error('outer', { cause: error }))).toBe(expected);
  expect(fixFailure(new Error('busy'))).toBe('--fix could not do this: busy.');
});
