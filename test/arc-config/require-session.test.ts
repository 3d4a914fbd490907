import type { ArcConfigError } from '../../src/arc-config/arc-config-error.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { requireSession } from '../../src/arc-config/require-session.js';
import { SAMPLE, sampleWith, ZERO_KEY } from './sample.js';

const require = (text: string) =>
  requireSession(parseArcConfig(text, { path: 'arc.json' }), 'arc.json');

it('returns a complete session', () => {
  expect(require(SAMPLE)).toMatchObject({
    arcServerEndpoint: { host: 'link.arc.soracom.io' },
    arcClientPeerIpAddress: '10.0.0.2',
  });
});

it('lists everything that is missing', () => {
  let faults: readonly { keyPath: string }[] = [];
  try {
    require('{"arcSessionStatus": {}}');
  } catch (error) {
    faults = (error as ArcConfigError).faults;
  }
  expect(faults.map(({ keyPath }) => keyPath)).toEqual([
    'privateKey',
    'arcSessionStatus.arcServerPeerPublicKey',
    'arcSessionStatus.arcServerEndpoint',
    'arcSessionStatus.arcClientPeerIpAddress',
  ]);
});

it('reports a session that is missing, and a private key of zeros', () => {
  expect(() => require('{}')).toThrow(
    /privateKey: found no key[^]*arcSessionStatus: found nothing/,
  );
  expect(() => require(sampleWith({ privateKey: ZERO_KEY }))).toThrow(
    'privateKey: found no key, or a key that is all zeros',
  );
});
