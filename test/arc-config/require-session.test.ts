import type { ArcConfigError } from '../../src/arc-config/arc-config-error.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { requireSession } from '../../src/arc-config/require-session.js';
import { SAMPLE, sampleWithSession } from './sample.js';

const require = (text: string) =>
  requireSession(parseArcConfig(text, { path: 'arc.json' }), 'arc.json');

it('gives a whole session', () => {
  expect(require(SAMPLE)).toMatchObject({
    arcServerEndpoint: { host: 'link.arc.soracom.io' },
    arcClientPeerIpAddress: '10.0.0.2',
  });
});

it('takes no allowed IPs for none', () => {
  expect(require(sampleWithSession({ arcAllowedIPs: null })).arcAllowedIps).toEqual([]);
});

it('names all that is missing', () => {
  let faults: readonly { keyPath: string }[] = [];
  try {
    require('{"arcSessionStatus": {}}');
  } catch (error) {
    faults = (error as ArcConfigError).faults;
  }
  expect(faults.map(({ keyPath }) => keyPath)).toEqual([
    'arcSessionStatus.arcServerPeerPublicKey',
    'arcSessionStatus.arcServerEndpoint',
    'arcSessionStatus.arcClientPeerIpAddress',
  ]);
});
